/** What somebody decided of a task, in one commit: its new state, the event that says so, and that the operation is done. */
import type { Event } from "../core/event.ts";
import type { Instant } from "../core/instant.ts";
import type { Commit } from "../core/ports/store.ts";
import type { Task } from "../core/task.ts";
import { keys, type Kept } from "./document.ts";
import { eventAppends } from "./events.ts";
import { donePut } from "./once.ts";
import { hint, join, taskEffects } from "./task-put.ts";

export interface RememberedMove {
  readonly to: Task;
  /** The event that says so. */
  readonly type: string;
  readonly message: string;
}

/** `op` is the operation that is remembered as done; it is refused where the task has changed meanwhile. */
export function rememberedMove(
  from: Kept<Task>,
  { to, type, message }: RememberedMove,
  { now, op }: { now: Instant; op: string },
): Omit<Commit, "op"> {
  const event: Event = { at: now, level: "info", type, task: to.id, message };
  return {
    now,
    versions: [[keys.task(to.id), from.version]],
    ...join(taskEffects(from.value, to, now), hint(to.id, now), {
      append: eventAppends([event]),
      put: [donePut(op, now)],
    }),
  };
}
