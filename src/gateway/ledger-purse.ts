/** The purse of model calls, filled from the ledger: each call is a slice against the task's ceiling and the month's. */
import { taskOfAttempt, type AttemptId } from "../core/ids.ts";
import { budgetWords, ceilingsOf, type Budgets, type Ceiling } from "../core/budget.ts";
import { noMoney } from "../core/money.ts";
import { readAttempt } from "../records/attempt.ts";
import { draw, moneyLeft, settle, type ScopeUse } from "../records/ledger.ts";
import { readTask } from "../records/read-task.ts";
import type { GatewayWorld } from "./door.ts";
import type { Purse } from "./model/purse.ts";

export function ledgerPurse(world: GatewayWorld & { budgets: Budgets }): Purse {
  const { store, clock } = world;
  const ceilingsFor = async (attempt: AttemptId): Promise<Ceiling[] | undefined> => {
    const task = await readTask(store, clock.now(), taskOfAttempt(attempt));
    return task === undefined ? undefined : ceilingsOf(task.value, world.budgets, clock.now());
  };
  return {
    async open(attempt) {
      const found = await readAttempt(store, clock.now(), attempt);
      return found !== undefined && found.value.endedAt === undefined;
    },
    async reserve(attempt, id, amount) {
      const ceilings = await ceilingsFor(attempt);
      if (ceilings === undefined) return { ok: false, because: "There is no such task." };
      const slice = { id, kind: "model", attempt, amount, drawnAt: clock.now() } as const;
      const drawn = await draw(store, slice, ceilings);
      return drawn.ok ? { ok: true } : { ok: false, because: shortWords(drawn.short) };
    },
    async left(attempt) {
      const ceilings = await ceilingsFor(attempt);
      return ceilings === undefined ? noMoney : moneyLeft(store, clock.now(), ceilings);
    },
    settle: (id, charge) => settle(store, { id, charge, now: clock.now() }),
  };
}

const shortWords = ([tightest]: readonly ScopeUse[]): string =>
  tightest === undefined ? "No money is left." : `${budgetWords(tightest)} are spent or reserved.`;
