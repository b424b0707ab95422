/** What an attempt's model calls draw on: its task with its ceiling, what of it is gone, and what is held for the first call. */
import { changed, BudgetChanges } from "./budgets.ts";
import { Attempt } from "../core/attempt.ts";
import type { Budgets } from "../core/budget.ts";
import { taskOfAttempt, type AttemptId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { microUsd, noMoney, type MicroUsd } from "../core/money.ts";
import type { Store } from "../core/ports/store.ts";
import { Task } from "../core/task.ts";
import { counters, kept, keys } from "./document.ts";
import { computeSliceId, openingSliceId, Slice } from "./ledger.ts";
import { taskScope } from "./spending.ts";

export interface Account {
  readonly task: Task;
  readonly budgets: Budgets;
  /** Still held for the first call; undefined once that was made. */
  readonly opening: Slice | undefined;
  /** Of the task: charged, and held for its sandbox. What other calls hold is not in it: most of that comes back. */
  readonly gone: MicroUsd;
}

/** Undefined where the attempt is unknown or has ended. */
export async function readAccount(
  store: Store,
  ask: { attempt: AttemptId; settings: Budgets; now: Instant },
): Promise<Account | undefined> {
  const id = taskOfAttempt(ask.attempt);
  const [attempt, document, openingDocument, computeDocument, changes, model, compute] = await store.look(ask.now, [
    { get: keys.attempt(ask.attempt) },
    { get: keys.task(id) },
    { get: keys.slice(openingSliceId(ask.attempt)) },
    { get: keys.slice(computeSliceId(ask.attempt)) },
    { get: keys.budgets },
    { counter: counters.spent(taskScope(id), "model") },
    { counter: counters.spent(taskScope(id), "compute") },
  ]);
  const task = kept(Task, document)?.value;
  const begun = kept(Attempt, attempt)?.value;
  if (task === undefined || begun === undefined || begun.endedAt !== undefined) return undefined;
  const sandbox = kept(Slice, computeDocument)?.value.amount ?? noMoney;
  return {
    task,
    budgets: changed(ask.settings, kept(BudgetChanges, changes)?.value),
    opening: kept(Slice, openingDocument)?.value,
    gone: microUsd(model + compute + sandbox),
  };
}
