/** An ended task is taken up again, in one commit that is remembered as done. */
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { isEnded, type Actor, type EndedTask } from "../core/task.ts";
import { isDone } from "./once.ts";
import { rememberedMove, type RememberedMove } from "./remembered-move.ts";
import { readTask } from "./read-task.ts";

export interface TakeUpAsk {
  readonly task: TaskId;
  readonly by: Actor;
  readonly now: Instant;
  readonly op: string;
}

/** "live" where it has not ended, or somebody else took it up in the same moment; "nothing" where `move` has no way on. */
export async function takeUp(
  store: Store,
  ask: TakeUpAsk,
  move: (task: EndedTask) => Promise<RememberedMove | undefined>,
): Promise<"done" | "live" | "nothing"> {
  const { now, op } = ask;
  const [task, wasDone] = await Promise.all([readTask(store, now, ask.task), isDone(store, now, op)]);
  if (task === undefined) throw new Error(`There is no task ${ask.task} to take up again.`);
  if (wasDone) return "done";
  if (!isEnded(task.value)) return "live";
  const moved = await move(task.value);
  if (moved === undefined) return "nothing";
  const result = await store.commit({ op, ...rememberedMove(task, moved, { now, op }) });
  return result.ok ? "done" : "live";
}
