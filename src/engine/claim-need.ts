/** What a start takes: money for a sandbox's whole lifetime and, of an agent, for its first model call; and out of which purses. */
import { ceilingsUntil, type Budgets, type Ceiling } from "../core/budget.ts";
import { firstCallPrice } from "../core/first-call.ts";
import { after, type Instant } from "../core/instant.ts";
import { microUsd, minus, noMoney, plus, type MicroUsd } from "../core/money.ts";
import { lifetimeMs, patience } from "../core/next-step.ts";
import { computePrice } from "../core/pricing.ts";
import type { Task } from "../core/task.ts";

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
    readonly now: Instant;
  },
): ClaimNeed {
  const { used, budgets, microUsdPerHour, now } = given;
  // It may be made late, and lives its whole lifetime from then on.
  const until = after(now, patience.createMs + lifetimeMs(task));
  const compute = computePrice(microUsdPerHour, lifetimeMs(task));
  // What the task has left for a first call may be less than a call can cost; the call is made smaller then.
  const left = minus(task.ceiling, plus(used, compute));
  const model = microUsd(Math.min(firstCallPrice(task) ?? noMoney, left));
  return { until, ceilings: ceilingsUntil(task, budgets, { from: now, until }), held: { compute, model } };
}
