/** All that a report or a status shows of a task, read in as few looks as it takes. */
import { Attempt, Heard } from "../core/attempt.ts";
import { attemptId, type AttemptId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { TaskView } from "../core/ports/forge.ts";
import type { Store } from "../core/ports/store.ts";
import { repositoryKey, type Task } from "../core/task.ts";
import { indexes, kept, keys } from "./document.ts";
import { taskMoney } from "./spending.ts";

/** A place in the queue beyond this is shown as this. */
const aheadAtMost = 100;

/** The last attempt that was begun. */
const latestAttempt = (task: Task): AttemptId | undefined =>
  task.attempts === 0 ? undefined : attemptId(task.id, task.attempts);

export async function readView(store: Store, now: Instant, task: Task): Promise<TaskView> {
  // All in one turn, so that a store which bills its calls makes one of them.
  const [{ spent, model }, ahead, latest] = await Promise.all([
    taskMoney(store, now, task.id),
    task.state === "waiting" && task.for === "slot" ? tasksAhead(store, now, task) : 0,
    readLatest(store, now, latestAttempt(task)),
  ]);
  return { task, spent, model, ahead, now, ...latest };
}

async function readLatest(
  store: Store,
  now: Instant,
  id: AttemptId | undefined,
): Promise<Pick<TaskView, "attempt" | "heard">> {
  if (id === undefined) return { attempt: undefined, heard: undefined };
  const [attempt, heard] = await store.look(now, [{ get: keys.attempt(id) }, { get: keys.heard(id) }]);
  return { attempt: kept(Attempt, attempt)?.value, heard: kept(Heard, heard)?.value };
}

async function tasksAhead(store: Store, now: Instant, task: Task): Promise<number> {
  const range = indexes.queue(repositoryKey(task.origin.place));
  const [hits] = await store.look(now, [{ range, limit: aheadAtMost }]);
  const index = hits.findIndex((hit) => hit.key === keys.task(task.id));
  return index === -1 ? aheadAtMost : index;
}
