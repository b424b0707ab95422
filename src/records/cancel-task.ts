/** Cancelling: the wish is written on the task, and the sandbox is told through its inbox. The engine does the rest. */
import type { Event } from "../core/event.ts";
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Commit, Store } from "../core/ports/store.ts";
import { attemptIn, isEnded, type Actor, type Task } from "../core/task.ts";
import { keys, logs, type Kept } from "./document.ts";
import { eventAppends } from "./events.ts";
import { inboxTopic } from "./inbox.ts";
import { donePut, isDone } from "./once.ts";
import { readTask } from "./read-task.ts";
import { hint, join, taskEffects } from "./task-put.ts";

export interface CancelAsk {
  readonly task: TaskId;
  readonly by: Actor;
  readonly now: Instant;
  readonly op: string;
}

export async function cancelTask(
  store: Store,
  ask: CancelAsk,
): Promise<"asked" | "asked-before" | "too-late" | "ended"> {
  if (await isDone(store, ask.now, ask.op)) return "asked";
  for (let round = 1; ; round += 1) {
    const task = await readTask(store, ask.now, ask.task);
    if (task === undefined) throw new Error(`There is no task ${ask.task} to cancel.`);
    if (isEnded(task.value)) return "ended";
    if (task.value.state === "publishing") return "too-late";
    if (task.value.cancel !== undefined) return "asked-before";
    const result = await store.commit({ ...cancelCommit(task, ask), op: `${ask.op}/${round}` });
    // The task changed under us: the wish holds for whatever it became.
    if (result.ok) return "asked";
  }
}

function cancelCommit(task: Kept<Task>, ask: CancelAsk): Omit<Commit, "op"> {
  const from = task.value;
  const to: Task = { ...from, cancel: { at: ask.now, by: ask.by } };
  const attempt = attemptIn(from);
  const because = `cancelled by ${ask.by.login}`;
  const event: Event = { at: ask.now, level: "info", type: "task_cancel_asked", task: from.id, message: because };
  const told =
    attempt === undefined
      ? {}
      : { append: [{ log: logs.inbox(attempt), values: [{ kind: "cancel", because }] }], wake: [inboxTopic(attempt)] };
  return {
    now: ask.now,
    versions: [[keys.task(from.id), task.version]],
    ...join(taskEffects(from, to, ask.now), hint(from.id, ask.now), told, {
      append: eventAppends([event]),
      put: [donePut(ask.op, ask.now)],
    }),
  };
}
