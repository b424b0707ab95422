/** Agreeing to a task that waits for somebody's word, or refusing it: one commit, remembered as done. */
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { approved, ended } from "../core/moves.ts";
import { noResult } from "../core/next-step.ts";
import type { Store } from "../core/ports/store.ts";
import type { Actor, InState } from "../core/task.ts";
import { isDone } from "./once.ts";
import { rememberedMove, type RememberedMove } from "./remembered-move.ts";
import { readTask } from "./read-task.ts";

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

async function decide(
  store: Store,
  ask: DecideAsk,
  decision: (task: InState<"waiting">) => RememberedMove,
): Promise<Decided> {
  const { now, op } = ask;
  for (let round = 1; ; round += 1) {
    const [task, wasDone] = await Promise.all([readTask(store, now, ask.task), isDone(store, now, op)]);
    if (wasDone) return "done";
    if (task?.value.state !== "waiting" || task.value.for !== "approval") return "nothing";
    const move = rememberedMove(task, decision(task.value), { now, op });
    const result = await store.commit({ op: `${op}/${round}`, ...move });
    if (result.ok) return "done";
  }
}
