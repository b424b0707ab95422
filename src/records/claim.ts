/** Claiming: a task that waits for a slot gets one, with an attempt that is named before its sandbox exists. */
import type { Ceiling } from "../core/budget.ts";
import type { Attempt } from "../core/attempt.ts";
import { attemptId, sandboxName } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { MicroUsd } from "../core/money.ts";
import { starting } from "../core/moves.ts";
import type { InState, Task } from "../core/task.ts";
import { attemptPut } from "./attempt.ts";
import { counters } from "./document.ts";
import { payerOf } from "./ledger-entry.ts";
import { computeSliceId, drawEffects, openingSliceId, type Draw } from "./ledger.ts";
import { join, type Effects } from "./task-put.ts";

export interface Claim {
  readonly task: InState<"starting">;
  readonly attempt: Attempt;
  readonly also: Partial<Effects>;
}

export interface ClaimAsk {
  readonly microUsdPerHour: MicroUsd;
  /** What is held: the sandbox's price for its whole lifetime, and what one model call may cost, where it will make some. */
  readonly held: { readonly compute: MicroUsd; readonly model: MicroUsd };
  /** Until when the sandbox lives at most. */
  readonly until: Instant;
  readonly ceilings: readonly Ceiling[];
  readonly maxSandboxes: number;
  readonly now: Instant;
}

/** The slot and every ceiling are bounds of the same commit. */
export function claim(task: Task, ask: ClaimAsk): Claim {
  const { now, held, until } = ask;
  const id = attemptId(task.id, task.attempts + 1);
  const attempt: Attempt = {
    id,
    task: task.id,
    sandbox: sandboxName(id),
    claimedAt: now,
    microUsdPerHour: ask.microUsdPerHour,
  };
  const slice = { attempt: id, payer: payerOf(task.origin), drawnAt: now, until };
  const slices: Draw[] = [
    { ...slice, id: computeSliceId(id), kind: "compute", amount: held.compute },
    ...(held.model === 0 ? [] : [{ ...slice, id: openingSliceId(id), kind: "model", amount: held.model } as const]),
  ];
  return {
    task: starting(task, id, now),
    attempt,
    also: join(
      { add: [{ counter: counters.running, by: 1, max: ask.maxSandboxes }] },
      { put: [attemptPut(attempt)] },
      ...slices.map((each) => drawEffects(each, ask.ceilings)),
    ),
  };
}
