/** Agreeing to a task that waits for somebody's word, or refusing it: one commit, remembered as done. */
import type { Event } from "../core/event.ts";
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { approved, ended } from "../core/moves.ts";
import { noResult } from "../core/next-step.ts";
import type { Store } from "../core/ports/store.ts";
import type { Actor, InState, Task } from "../core/task.ts";
import { keys } from "./document.ts";
import { eventAppends } from "./events.ts";
import { donePut, isDone } from "./once.ts";
import { readTask } from "./read-task.ts";
import { hint, join, taskEffects } from "./task-put.ts";

export interface DecideAsk {
  readonly task: TaskId;
  readonly by: Actor;
  readonly now: Instant;
  readonly op: string;
}

/** "nothing": it does not wait for anybody's word. */
export type Decided = "done" | "nothing";

export const approveTask = (store: Store, ask: DecideAsk): Promise<Decided> =>
  decide(store, ask, (task) => ({
    to: approved(task, { by: ask.by, upTo: task.estimate?.likely ?? task.spec.budget, now: ask.now }),
    type: "task_approved",
    message: `${ask.by.login} agreed to what it may cost`,
  }));

/** `reason` is a person's words, "" for none. */
export const rejectTask = (store: Store, ask: DecideAsk & { reason: string }): Promise<Decided> =>
  decide(store, ask, (task) => {
    const because = `${ask.by.login} rejected it${ask.reason === "" ? "" : `: ${ask.reason}`}`;
    return {
      to: ended(task, { finding: noResult("failed", because), now: ask.now }),
      type: "task_rejected",
      message: because,
    };
  });

interface Decision {
  readonly to: Task;
  readonly type: string;
  readonly message: string;
}

async function decide(
  store: Store,
  ask: DecideAsk,
  decision: (task: InState<"waiting">) => Decision,
): Promise<Decided> {
  const { now, op } = ask;
  for (let round = 1; ; round += 1) {
    const [task, wasDone] = await Promise.all([readTask(store, now, ask.task), isDone(store, now, op)]);
    if (wasDone) return "done";
    if (task?.value.state !== "waiting" || task.value.for !== "approval") return "nothing";
    const { to, type, message } = decision(task.value);
    const event: Event = { at: now, level: "info", type, task: to.id, message };
    const result = await store.commit({
      op: `${op}/${round}`,
      now,
      versions: [[keys.task(to.id), task.version]],
      ...join(taskEffects(task.value, to, now), hint(to.id, now), {
        append: eventAppends([event]),
        put: [donePut(op, now)],
      }),
    });
    if (result.ok) return "done";
  }
}
