/** An ended task is taken up again, in one commit that is remembered as done. */
import type { Event } from "../core/event.ts";
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { isEnded, type Actor, type EndedTask, type Task } from "../core/task.ts";
import { keys } from "./document.ts";
import { eventAppends } from "./events.ts";
import { donePut, isDone } from "./once.ts";
import { readTask } from "./read-task.ts";
import { hint, join, taskEffects } from "./task-put.ts";

export interface TakeUpAsk {
  readonly task: TaskId;
  readonly by: Actor;
  readonly now: Instant;
  readonly op: string;
}

interface TakenUp {
  readonly to: Task;
  /** The event that says so. */
  readonly type: string;
  readonly message: string;
}

/** "live" where it has not ended, or somebody else took it up in the same moment; "nothing" where `move` has no way on. */
export async function takeUp(
  store: Store,
  ask: TakeUpAsk,
  move: (task: EndedTask) => Promise<TakenUp | undefined>,
): Promise<"done" | "live" | "nothing"> {
  const { now, op } = ask;
  const [task, wasDone] = await Promise.all([readTask(store, now, ask.task), isDone(store, now, op)]);
  if (task === undefined) throw new Error(`There is no task ${ask.task} to take up again.`);
  if (wasDone) return "done";
  if (!isEnded(task.value)) return "live";
  const moved = await move(task.value);
  if (moved === undefined) return "nothing";
  const { to, type, message } = moved;
  const event: Event = { at: now, level: "info", type, task: to.id, message };
  const result = await store.commit({
    op,
    now,
    versions: [[keys.task(to.id), task.version]],
    ...join(taskEffects(task.value, to, now), hint(to.id, now), {
      append: eventAppends([event]),
      put: [donePut(op, now)],
    }),
  });
  return result.ok ? "done" : "live";
}
