/** All that a report or a status shows of a task, read in as few looks as it takes. */
import { Attempt, Heard } from "../core/attempt.ts";
import { attemptId, type AttemptId, type TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { MicroUsd, plus } from "../core/money.ts";
import type { TaskView } from "../core/ports/forge.ts";
import type { Answers, Store } from "../core/ports/store.ts";
import { repositoryKey, type Task } from "../core/task.ts";
import { counters, indexes, kept, keys } from "./document.ts";
import { haltIn, haltQuery } from "./halt.ts";
import { taskScope } from "./spending.ts";

/** A place in the queue beyond this is shown as this. */
const aheadAtMost = 100;

/** The last attempt that was begun, or else the first. */
const latestAttempt = (task: Task): AttemptId => attemptId(task.id, Math.max(1, task.attempts));

/** Most tasks have one attempt; a later one is asked for by its id. */
export const viewQueries = (task: TaskId, attempt = attemptId(task, 1)) =>
  [
    { counter: counters.spent(taskScope(task), "model") },
    { counter: counters.spent(taskScope(task), "compute") },
    { get: keys.attempt(attempt) },
    { get: keys.heard(attempt) },
  ] as const;

type ViewAnswers = Answers<ReturnType<typeof viewQueries>>;

export async function readView(store: Store, now: Instant, task: Task): Promise<TaskView> {
  // In one turn, so that a store which bills its calls makes one of them.
  const [answers, queue] = await Promise.all([
    store.look(now, viewQueries(task.id, latestAttempt(task))),
    queueOf(store, now, task),
  ]);
  return viewOf(answers, { task, ...queue, now });
}

/** Of answers about the first attempt; what they lack is read. */
export async function viewIn(
  store: Store,
  answers: ViewAnswers,
  { task, now }: { task: Task; now: Instant },
): Promise<TaskView> {
  if (task.attempts > 1) return readView(store, now, task);
  return viewOf(answers, { task, ...(await queueOf(store, now, task)), now });
}

function viewOf(
  [spent, compute, attempt, heard]: ViewAnswers,
  about: Pick<TaskView, "task" | "now"> & Queue,
): TaskView {
  const model = MicroUsd.parse(spent);
  const isBegun = about.task.attempts > 0;
  return {
    ...about,
    model,
    spent: plus(model, MicroUsd.parse(compute)),
    attempt: isBegun ? kept(Attempt, attempt)?.value : undefined,
    heard: isBegun ? kept(Heard, heard)?.value : undefined,
  };
}

type Queue = Pick<TaskView, "ahead" | "halted">;

/** Nothing is ahead of one that does not wait for a slot. */
async function queueOf(store: Store, now: Instant, task: Task): Promise<Queue> {
  if (task.state !== "waiting" || task.for !== "slot") return { ahead: 0 };
  const range = indexes.queue(repositoryKey(task.origin.place));
  const [hits, halt] = await store.look(now, [{ range, limit: aheadAtMost }, haltQuery]);
  const index = hits.findIndex((hit) => hit.key === keys.task(task.id));
  return { ahead: index === -1 ? aheadAtMost : index, halted: haltIn(halt)?.because };
}
