/** A result that was kept because it could not be published goes to be published once more. */
import type { Event } from "../core/event.ts";
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { publishingAgain } from "../core/moves.ts";
import type { Store } from "../core/ports/store.ts";
import { isEnded, type Actor } from "../core/task.ts";
import { keys } from "./document.ts";
import { eventAppends } from "./events.ts";
import { donePut, isDone } from "./once.ts";
import { readTask } from "./read-task.ts";
import { hint, join, taskEffects } from "./task-put.ts";

export async function publishAgain(
  store: Store,
  ask: { task: TaskId; by: Actor; now: Instant; op: string },
): Promise<"publishing" | "live" | "nothing"> {
  const task = await readTask(store, ask.now, ask.task);
  if (task === undefined) throw new Error(`There is no task ${ask.task} to publish.`);
  if (await isDone(store, ask.now, ask.op)) return "publishing";
  if (!isEnded(task.value)) return "live";
  const to = publishingAgain(task.value, ask.now);
  if (to === undefined) return "nothing";
  const message = `${ask.by.login} asked to publish the result again`;
  const event: Event = { at: ask.now, level: "info", type: "task_publishing_again", task: to.id, message };
  const result = await store.commit({
    op: ask.op,
    now: ask.now,
    versions: [[keys.task(to.id), task.version]],
    ...join(taskEffects(task.value, to, ask.now), hint(to.id, ask.now), {
      append: eventAppends([event]),
      put: [donePut(ask.op, ask.now)],
    }),
  });
  // Someone else moved it in the same moment.
  return result.ok ? "publishing" : "live";
}
