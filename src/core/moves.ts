/** How a task goes from one state to the next: each move keeps what every state shares and brings what its own state needs. */
import type { AttemptId } from "./ids.ts";
import type { Instant } from "./instant.ts";
import type { Machine } from "./awaited-machine.ts";
import { minus, plus, type MicroUsd } from "./money.ts";
import { waitWords } from "./machine.ts";
import type { Actor, Base, EndedTask, Finding, InState, Published, Spec, Task } from "./task.ts";

type Shared = Pick<
  Task,
  | "id"
  | "origin"
  | "spec"
  | "createdAt"
  | "attempts"
  | "attemptsBefore"
  | "ceiling"
  | "base"
  | "cancel"
  | "lowered"
  | "policy"
  | "estimate"
  | "approval"
>;

function shared(task: Task): Shared {
  const { id, origin, spec, createdAt, attempts, attemptsBefore, ceiling } = task;
  const { base, cancel, lowered, policy, estimate, approval } = task;
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
    ...(lowered === undefined ? {} : { lowered }),
    ...(policy === undefined ? {} : { policy }),
    ...(estimate === undefined ? {} : { estimate }),
    ...(approval === undefined ? {} : { approval }),
  };
}

/** What admission finds out. */
export interface Admission {
  readonly base: Base;
  /** As the repository's settings have it. */
  readonly spec: Spec;
  readonly lowered: NonNullable<Task["lowered"]>;
  readonly policy: NonNullable<Task["policy"]>;
  readonly estimate?: Task["estimate"];
}

/** The asker may, and the base is pinned: the task stands in the queue for a slot. */
export function admitted(task: Task, admission: Admission, now: Instant): InState<"waiting"> {
  const { spec } = admission;
  // A lower budget of the repository's is a lower ceiling, also after a retry.
  const ceiling = minus(task.ceiling, minus(task.spec.budget, spec.budget));
  return { ...queuedForSlot(task, now), ...known(admission), ceiling };
}

/** It will likely cost more than may be spent without a maintainer's word. */
export const wantsApproval = (
  task: Task,
  admission: Admission,
  ask: { because: string; now: Instant },
): InState<"waiting"> => ({
  ...admitted(task, admission, ask.now),
  for: "approval",
  because: ask.because,
});

const known = ({ estimate, ...found }: Admission) => ({ ...found, ...(estimate === undefined ? {} : { estimate }) });

export const approved = (
  task: InState<"waiting">,
  ask: { by: Actor; upTo: MicroUsd; now: Instant },
): InState<"waiting"> => ({
  ...queuedForSlot(task, ask.now),
  approval: { by: ask.by, at: ask.now, upTo: ask.upTo },
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

/** Its sandbox is asked for and there is no machine for it yet. `since` is when the first one was asked for. */
export const waitingForMachine = (
  task: InState<"starting" | "waiting">,
  { attempt, machine }: { attempt: AttemptId; machine: Machine },
  now: Instant,
): InState<"waiting"> => ({
  ...shared(task),
  state: "waiting",
  since: task.state === "waiting" ? task.since : now,
  for: "capacity",
  because: waitWords(machine),
  attempt,
  machine,
});

/** The backend has made its sandbox after all, in the attempt that waited. */
export const machineFound = (task: InState<"waiting">, attempt: AttemptId, now: Instant): InState<"starting"> => ({
  ...shared(task),
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
