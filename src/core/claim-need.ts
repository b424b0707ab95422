/** What a start takes: money for a sandbox's whole lifetime and, of an agent, for its first model call; and out of which purses. */
import { ceilingsUntil, type Budgets, type Ceiling } from "./budget.ts";
import { firstCallPrice } from "./first-call.ts";
import { after, type Instant } from "./instant.ts";
import { microUsd, minus, noMoney, plus, type MicroUsd } from "./money.ts";
import { lifetimeMs, patience } from "./next-step.ts";
import { computePrice } from "./pricing.ts";
import type { Task } from "./task.ts";

export interface ClaimNeed {
  /** Until when the sandbox lives at most. */
  readonly until: Instant;
  readonly ceilings: readonly Ceiling[];
  readonly held: { readonly compute: MicroUsd; readonly model: MicroUsd };
}

/** `used` is what is charged and held of the task's own ceiling. */
export function claimNeed(
  task: Task,
  given: {
    readonly used: MicroUsd;
    readonly budgets: Budgets;
    readonly microUsdPerHour: MicroUsd;
    /** How long it may wait for a GPU, and for an image to be built; not at all unless told. */
    readonly maxWaitMs?: number;
    readonly now: Instant;
  },
): ClaimNeed {
  const { used, budgets, microUsdPerHour, maxWaitMs = 0, now } = given;
  // It may be made late, and lives its whole lifetime from then on.
  const { resources, image } = task.spec;
  const waits = [resources.gpu, image].filter((each) => each !== undefined);
  const waitMs = waits.length * maxWaitMs;
  const until = after(now, patience.createMs + waitMs + lifetimeMs(task));
  const compute = computePrice(microUsdPerHour, lifetimeMs(task));
  // What the task has left for a first call may be less than a call can cost; the call is made smaller then.
  const left = minus(task.ceiling, plus(used, compute));
  const model = microUsd(Math.min(firstCallPrice(task) ?? noMoney, left));
  return { until, ceilings: ceilingsUntil(task, budgets, { from: now, until }), held: { compute, model } };
}
