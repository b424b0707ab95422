/** A task's document with the index entries, counters and hints that follow from its state. */
import { z } from "zod";
import type { TaskId } from "../core/ids.ts";
import { after, Instant } from "../core/instant.ts";
import type { Commit, Put } from "../core/ports/store.ts";
import { isEnded, repositoryKey, type Task } from "../core/task.ts";
import { counters, indexes, keys, sortKey } from "./document.ts";
import { workOf } from "./due.ts";

/** Effects of a commit, to be joined with others. */
export type Effects = Required<Pick<Commit, "add" | "put" | "append" | "wake">>;

export function join(...parts: Partial<Effects>[]): Effects {
  return {
    add: parts.flatMap((part) => part.add ?? []),
    put: parts.flatMap((part) => part.put ?? []),
    append: parts.flatMap((part) => part.append ?? []),
    wake: parts.flatMap((part) => part.wake ?? []),
  };
}

/** Everything that changes when a task goes from one state to another; `from` is undefined for a new task. */
export function taskEffects(from: Task | undefined, to: Task, now: Instant): Partial<Effects> {
  return join(
    { put: [taskPut(to), reportDuePut(to.id, now)], wake: [taskTopic(to.id), dueWork.report(to.id)] },
    queueEffects(from, to, now),
  );
}

function taskPut(task: Task): Put {
  const created = sortKey(task.createdAt);
  const entries: [string, string][] = [[indexes.tasks, created]];
  // What was never admitted is not "the task here": a refused stranger's words must not be what a maintainer retries.
  if (task.base !== undefined || !isEnded(task)) entries.push([indexes.place(task.origin.place), created]);
  if (isEnded(task)) {
    const at = sortKey(task.endedAt);
    entries.push([indexes.ended, at], [indexes.endedOf(repositoryKey(task.origin.place)), at]);
  } else entries.push([indexes.live, created]);
  if (isQueuedForSlot(task)) entries.push([indexes.queue(repositoryKey(task.origin.place)), created]);
  return { key: keys.task(task.id), value: task, entries };
}

const isQueuedForSlot = (task: Task): boolean => task.state === "waiting" && task.for === "slot";

function queueEffects(from: Task | undefined, to: Task, now: Instant): Partial<Effects> {
  const was = from !== undefined && isQueuedForSlot(from);
  const is = isQueuedForSlot(to);
  if (was === is) return {};
  const repository = repositoryKey(to.origin.place);
  const counter = counters.queued(repository);
  const key = keys.queueHead(repository);
  const headAt = (at: Instant): Put => ({ key, value: { repository }, entries: [[indexes.ready, sortKey(at)]] });
  if (is) return { add: [{ counter, by: 1 }], put: [{ ...headAt(now), ensure: true }] };
  return {
    add: [{ counter, by: -1, min: 0 }],
    put: [
      // Round robin: a repository that was served goes behind the others, those of this very millisecond too, or leaves
      // when nothing of it waits.
      { ...headAt(after(now, 1)), if: { counter, min: 1 } },
      { key, value: undefined, if: { counter, max: 0 } },
    ],
  };
}

/** When the engine looks at a task next; the time itself is in the index alone. */
export const TaskDue = z.object({
  /** Where only silence is waited for: each word of the sandbox puts the look off, up to then. */
  putOffUpTo: Instant.optional(),
});

/** When the engine looks at the task next; null: never again, unless someone asks. */
export function duePut(id: TaskId, due: Instant | null, putOffUpTo?: Instant): Put {
  if (due === null) return { key: keys.due(id), value: undefined };
  const value = { task: id, ...(putOffUpTo === undefined ? {} : { putOffUpTo }) };
  return { key: keys.due(id), value, entries: [[indexes.due, sortKey(due)]] };
}

/** When the task's report is brought up to date next; null: it shows the end. */
export function reportDuePut(id: TaskId, due: Instant | null): Put {
  if (due === null) return { key: keys.reportDue(id), value: undefined };
  return { key: keys.reportDue(id), value: { task: id }, entries: [[indexes.reportsDue, sortKey(due)]] };
}

/** Asks for a look at once: the task is due now, and whoever listens is told. */
export const hint = (id: TaskId, now: Instant): Partial<Effects> => ({
  put: [duePut(id, now)],
  wake: [dueWork.task(id)],
});

/** Something is due: whoever hears this looks what it is. */
export const dueTopic = "due";
/** One thing is due, and the topic names it, so that nobody has to look. */
const dueWork = {
  task: (id: TaskId) => `${dueTopic}/${workOf.task(id)}`,
  report: (id: TaskId) => `${dueTopic}/${workOf.report(id)}`,
} as const;
/** What such a topic names. */
export const workIn = (topic: string): string | undefined =>
  topic.startsWith(`${dueTopic}/`) ? topic.slice(dueTopic.length + 1) : undefined;
export const taskTopic = (id: TaskId): string => `task/${id}`;
