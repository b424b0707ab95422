/** The purse of model calls, filled from the ledger: each call is a slice against the task's ceiling and the month's. */
import { taskOfAttempt, type AttemptId } from "../core/ids.ts";
import { dollars, noMoney, type MicroUsd } from "../core/money.ts";
import { readAttempt } from "../records/attempt.ts";
import { draw, moneyLeft, settle, type Ceilings, type ScopeUse } from "../records/ledger.ts";
import { readTask } from "../records/read-task.ts";
import type { GatewayWorld } from "./door.ts";
import type { Purse } from "./model/purse.ts";

export function ledgerPurse(world: GatewayWorld & { monthCeiling: MicroUsd }): Purse {
  const { store, clock } = world;
  const ceilingsOf = async (attempt: AttemptId): Promise<Ceilings | undefined> => {
    const task = await readTask(store, clock.now(), taskOfAttempt(attempt));
    return task === undefined ? undefined : { task: task.value.ceiling, month: world.monthCeiling };
  };
  return {
    async open(attempt) {
      const found = await readAttempt(store, clock.now(), attempt);
      return found !== undefined && found.value.endedAt === undefined;
    },
    async reserve(attempt, id, amount) {
      const ceilings = await ceilingsOf(attempt);
      if (ceilings === undefined) return { ok: false, because: "There is no such task." };
      const slice = { id, kind: "model", attempt, amount, drawnAt: clock.now() } as const;
      const drawn = await draw(store, slice, ceilings);
      return drawn.ok ? { ok: true } : { ok: false, because: shortWords(drawn.short) };
    },
    async left(attempt) {
      const ceilings = await ceilingsOf(attempt);
      return ceilings === undefined ? noMoney : moneyLeft(store, clock.now(), taskOfAttempt(attempt), ceilings);
    },
    settle: (id, charge) => settle(store, { id, charge, now: clock.now() }),
  };
}

function shortWords(short: readonly ScopeUse[]): string {
  const words = short.map(({ scope, used, ceiling }) => {
    const whose = scope === "task" ? "of this task" : "of this month";
    return `${dollars(used)} of ${dollars(ceiling)} ${whose} are spent or reserved`;
  });
  return words.length === 0 ? "No money is left." : `${words.join("; ")}.`;
}
