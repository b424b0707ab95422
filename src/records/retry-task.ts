/** Retrying: an ended task goes back to the queue and starts again from the base it had. */
import type { Event } from "../core/event.ts";
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { retried } from "../core/moves.ts";
import type { Store } from "../core/ports/store.ts";
import { isEnded, type Actor } from "../core/task.ts";
import { keys } from "./document.ts";
import { eventAppends } from "./events.ts";
import { taskMoney } from "./ledger.ts";
import { donePut, isDone } from "./once.ts";
import { readTask } from "./read-task.ts";
import { hint, join, taskEffects } from "./task-put.ts";

export async function retryTask(
  store: Store,
  ask: { task: TaskId; by: Actor; now: Instant; op: string },
): Promise<"queued" | "live"> {
  const task = await readTask(store, ask.now, ask.task);
  if (task === undefined) throw new Error(`There is no task ${ask.task} to retry.`);
  if (await isDone(store, ask.now, ask.op)) return "queued";
  if (!isEnded(task.value)) return "live";
  const { spent } = await taskMoney(store, ask.now, ask.task);
  const to = retried(task.value, { by: ask.by, spent, now: ask.now });
  const message = `${ask.by.login} asked to try again`;
  const event: Event = { at: ask.now, level: "info", type: "task_retried", task: to.id, message };
  const result = await store.commit({
    op: ask.op,
    now: ask.now,
    versions: [[keys.task(to.id), task.version]],
    ...join(taskEffects(task.value, to, ask.now), hint(to.id, ask.now), {
      append: eventAppends([event]),
      put: [donePut(ask.op, ask.now)],
    }),
  });
  // Someone else retried it in the same moment.
  return result.ok ? "queued" : "live";
}
