/** Tasks that wait for money are queued again at once, where an operator has just made room for some. */
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { queuedForSlot } from "../core/moves.ts";
import type { Store } from "../core/ports/store.ts";
import type { Task } from "../core/task.ts";
import { keys } from "./document.ts";
import { liveTasks } from "./live-tasks.ts";
import { readTask } from "./read-task.ts";
import { hint, join, taskEffects } from "./task-put.ts";

/** The others look at their own time, within minutes. */
const atOnce = 200;

const waitsForMoney = (task: Task): boolean => task.state === "waiting" && task.for === "money";

/** How many there are. */
export async function lookAgain(store: Store, at: { now: Instant; op: string }): Promise<number> {
  const waiting = (await liveTasks(store, at.now)).filter(waitsForMoney);
  for (const { id } of waiting.slice(0, atOnce)) await requeue(store, id, at);
  return waiting.length;
}

async function requeue(store: Store, id: TaskId, { now, op }: { now: Instant; op: string }): Promise<void> {
  const task = await readTask(store, now, id);
  if (task === undefined || !waitsForMoney(task.value)) return;
  const to = queuedForSlot(task.value, now);
  // Where it changed meanwhile, somebody is at it.
  await store.commit({
    op: `${op}/look-again/${id}`,
    now,
    versions: [[keys.task(id), task.version]],
    ...join(taskEffects(task.value, to, now), hint(id, now)),
  });
}
