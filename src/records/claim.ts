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
import { drawEffects, type Draw } from "./ledger.ts";
import { join, type Effects } from "./task-put.ts";

export interface Claim {
  readonly task: InState<"starting">;
  readonly attempt: Attempt;
  readonly also: Partial<Effects>;
}

/** The slice of an attempt's compute; named after it, so that it is settled exactly once. */
const computeSliceId = (attempt: Attempt["id"]): string => `compute/${attempt}`;

/** `held` is the sandbox's price for its whole lifetime. The slot and every ceiling are bounds of the same commit. */
export function claim(
  task: Task,
  ask: { microUsdPerHour: MicroUsd; held: MicroUsd; ceilings: readonly Ceiling[]; maxSandboxes: number; now: Instant },
): Claim {
  const id = attemptId(task.id, task.attempts + 1);
  const attempt: Attempt = {
    id,
    task: task.id,
    sandbox: sandboxName(id),
    claimedAt: ask.now,
    microUsdPerHour: ask.microUsdPerHour,
  };
  const slice: Draw = { id: computeSliceId(id), kind: "compute", attempt: id, amount: ask.held, drawnAt: ask.now };
  return {
    task: starting(task, id, ask.now),
    attempt,
    also: join(
      { add: [{ counter: counters.running, by: 1, max: ask.maxSandboxes }] },
      { put: [attemptPut(attempt)] },
      drawEffects(slice, ask.ceilings),
    ),
  };
}
