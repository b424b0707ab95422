/** How a task goes from one state to the next: each move keeps what every state shares and brings what its own state needs. */
import type { AttemptId } from "./ids.ts";
import type { Instant } from "./instant.ts";
import { plus, type MicroUsd } from "./money.ts";
import type { Actor, Base, EndedTask, Finding, InState, Published, Task } from "./task.ts";

type Shared = Pick<
  Task,
  "id" | "origin" | "spec" | "createdAt" | "attempts" | "attemptsBefore" | "ceiling" | "base" | "cancel"
>;

function shared(task: Task): Shared {
  const { id, origin, spec, createdAt, attempts, attemptsBefore, ceiling, base, cancel } = task;
  return {
    id,
    origin,
    spec,
    createdAt,
    attempts,
    attemptsBefore,
    ceiling,
    ...(base === undefined ? {} : { base }),
    ...(cancel === undefined ? {} : { cancel }),
  };
}

/** The asker may, and the base is pinned: the task stands in the queue for a slot. */
export const admitted = (task: Task, base: Base, now: Instant): InState<"waiting"> => ({
  ...queuedForSlot(task, now),
  base,
});

export const queuedForSlot = (task: Task, now: Instant): InState<"waiting"> => ({
  ...shared(task),
  state: "waiting",
  since: now,
  for: "slot",
  because: "its turn comes with the next free sandbox",
});

export const waitingForMoney = (task: Task, because: string, now: Instant): InState<"waiting"> => ({
  ...shared(task),
  state: "waiting",
  since: now,
  for: "money",
  because,
});

/** Something outside must pass first: GitHub asks for a pause, or the asker's right cannot be looked up. */
export const paused = (task: Task, because: string, now: Instant): InState<"waiting"> => ({
  ...shared(task),
  state: "waiting",
  since: now,
  for: "pause",
  because,
});

/** The next attempt is counted and named with the slot, before anything is created. */
export const starting = (task: Task, attempt: AttemptId, now: Instant): InState<"starting"> => ({
  ...shared(task),
  attempts: task.attempts + 1,
  state: "starting",
  since: now,
  attempt,
});

export const running = (task: InState<"starting">, startedAt: Instant): InState<"running"> => ({
  ...shared(task),
  state: "running",
  since: startedAt,
  startedAt,
  attempt: task.attempt,
});

/** It goes on running until its result is there, or its time to hand it over is up. */
export const toldToStop = (task: InState<"running">, now: Instant): InState<"running"> => ({ ...task, idleAt: now });

const startOf = (task: Task): { startedAt?: Instant } =>
  "startedAt" in task && task.startedAt !== undefined ? { startedAt: task.startedAt } : {};

export const publishing = (
  task: InState<"starting" | "running">,
  finding: Finding,
  now: Instant,
): InState<"publishing"> => ({
  ...shared(task),
  ...startOf(task),
  state: "publishing",
  since: now,
  attempt: task.attempt,
  finding,
  tries: 0,
});

export const ended = (
  task: Task,
  how: { finding: Finding; published?: Published | undefined; now: Instant },
): EndedTask => ({
  ...shared(task),
  ...startOf(task),
  state: how.finding.verdict,
  endedAt: how.now,
  finding: how.finding,
  ...(how.published === undefined ? {} : { published: how.published }),
});

/** The work is done and its result kept, but it could not be handed over. A `trace` where the fault is ours. */
export function unpublished(
  task: InState<"publishing">,
  failure: { because: string; trace?: string; now: Instant },
): InState<"failed"> {
  const { because, trace, now } = failure;
  const { attempt, finding } = task;
  return {
    ...shared(task),
    ...startOf(task),
    state: "failed",
    endedAt: now,
    finding: { ...finding, verdict: "failed", because, ...(trace === undefined ? {} : { trace }) },
    unpublished: { attempt, verdict: finding.verdict, because: finding.because },
  };
}

/** Publishes what was kept; undefined where nothing was. */
export function publishingAgain(task: EndedTask, now: Instant): InState<"publishing"> | undefined {
  if (task.unpublished === undefined) return undefined;
  const { attempt, verdict, because } = task.unpublished;
  const { trace: _, ...finding } = task.finding;
  return {
    ...shared(task),
    ...startOf(task),
    state: "publishing",
    since: now,
    attempt,
    finding: { ...finding, verdict, because },
    tries: 0,
  };
}

export interface RetryAsk {
  readonly by: Actor;
  readonly spent: MicroUsd;
  /** More money, or less: what this run may cost. */
  readonly budget?: MicroUsd | undefined;
  readonly now: Instant;
}

/** Work that only ran out of money is gone on with where it was kept; undefined where nothing was. */
export function goesOnFrom(task: EndedTask): Base | undefined {
  if (task.state !== "over-budget" || task.base === undefined || task.published === undefined) return undefined;
  const { branch, sha } = task.published;
  return { ...task.base, sha, ref: branch, fetchRef: `refs/heads/${branch}`, goesOn: true };
}

/** Who asks to try again answers for it from now on: the right is checked, and the commit credited, for that person. */
export function retried(task: EndedTask, ask: RetryAsk): InState<"queued"> {
  const { cancel: _, ...kept } = shared(task);
  const budget = ask.budget ?? task.spec.budget;
  const base = ask.budget === undefined ? undefined : goesOnFrom(task);
  return {
    ...kept,
    ...(base === undefined ? {} : { base }),
    spec: { ...task.spec, budget },
    origin: { ...task.origin, actor: ask.by },
    attemptsBefore: task.attempts,
    ceiling: plus(ask.spent, budget),
    state: "queued",
    since: ask.now,
    tries: 0,
  };
}
