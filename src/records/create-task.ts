/** The one way into the store for a task: with its first event, its first look and its first report due. */
import type { Event } from "../core/event.ts";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { asked, type InState, type Task } from "../core/task.ts";
import { keys } from "./document.ts";
import { eventAppends } from "./events.ts";
import { hint, join, taskEffects, type Effects } from "./task-put.ts";

export function createEffects(task: InState<"queued">, now: Instant): Partial<Effects> {
  return join(taskEffects(undefined, task, now), hint(task.id, now), { append: eventAppends([created(task, now)]) });
}

/** Creating a task twice under one id is a fault: ids are unique. */
export async function createTask(
  store: Store,
  ask: { task: InState<"queued">; now: Instant; op: string },
): Promise<void> {
  const result = await store.commit({
    op: ask.op,
    now: ask.now,
    versions: [[keys.task(ask.task.id), 0]],
    ...createEffects(ask.task, ask.now),
  });
  if (!result.ok) throw new Error(`There is a task ${ask.task.id} already.`);
}

function created(task: Task, now: Instant): Event {
  const { actor, comment } = task.origin;
  return {
    at: now,
    level: "info",
    type: "task_created",
    task: task.id,
    message: `${actor.login} asked: ${asked(task.spec.work).slice(0, 200)}`,
    details: { actor: actor.id, ...(comment === undefined ? {} : { comment: comment.url }) },
  };
}
