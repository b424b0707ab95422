/**
 * What happens next to a task: one pure decision on its state and the facts. Whoever dies half-way, the next look at the
 * same facts decides the same, so every step may be taken again.
 */
import type { Attempt, Heard, Outcome } from "./attempt.ts";
import { after, earliest, minuteMs, secondMs, type Instant } from "./instant.ts";
import { idleness, idleWords, nothingHandedOver, type Idleness } from "./idle.ts";
import { judge, publishAs } from "./judge.ts";
import { noImageWords, noMachineWords } from "./machine.ts";
import type { AttemptResult } from "./protocol.ts";
import type { PublishAs } from "./ports/forge.ts";
import { isEnded, isWaitingForMachine, type Finding, type InState, type Task } from "./task.ts";

export interface Facts {
  /** The attempt that the task is in. */
  readonly attempt?: Attempt | undefined;
  readonly heard?: Heard | undefined;
  /** The sealed result of the attempt. */
  readonly result?: AttemptResult | undefined;
}

/** How long each thing may take before the engine acts. */
export const patience = {
  /** From the claim until the backend has made the sandbox. */
  createMs: 5 * minuteMs,
  /** Between two questions whether there is a machine for a sandbox by now. */
  machineMs: 10 * secondMs,
  /** From the sandbox's start until its first word. */
  firstWordMs: minuteMs,
  /** Since its last word, until the backend is asked whether it lives (a runner speaks every thirty seconds). */
  silenceMs: 3 * minuteMs,
  /** Between two such questions. */
  askAgainMs: 30 * secondMs,
  /** From a cancel until the sandbox is ended, so that its runner may stop the work itself. */
  cancelMs: 10 * secondMs,
  /** Beyond the task's own time, for fetching the repository and handing over the result. */
  overtimeMs: 3 * minuteMs,
  /** Between two looks at a task that waits for money. */
  moneyMs: 10 * minuteMs,
  /** The same for one that waits until GitHub can be asked. */
  pauseMs: 30 * secondMs,
  /** Attempts that may be lost before the task fails. */
  attempts: 3,
  /** Tries at admission or publishing that may fail through a fault. */
  tries: 8,
} as const;

/** A sandbox lives this long at most, whatever becomes of the service; it is also what is reserved of compute. */
export const lifetimeMs = ({ spec }: Pick<Task, "spec">): number =>
  spec.timeoutMs + patience.firstWordMs + patience.overtimeMs;

/** Where a wait has `putOffUpTo`, only silence is waited for: each word of the sandbox puts the next look off, up to then. */
export type Step = { readonly because: string } & (
  | { readonly do: "wait"; readonly until: Instant | null; readonly putOffUpTo?: Instant }
  /** Look up the asker's right, the base, and what the backend can give. */
  | { readonly do: "admit" }
  | { readonly do: "claim" }
  | { readonly do: "requeue" }
  | { readonly do: "create" }
  /** Give up the machine that is asked for, and ask for the next one that would do. */
  | { readonly do: "next machine" }
  /** Write down that the sandbox was made. */
  | { readonly do: "note" }
  | { readonly do: "run"; readonly startedAt: Instant }
  /** Tell an idle agent's runner to stop and hand over. */
  | { readonly do: "stop" }
  /** Ask the backend whether the sandbox lives. */
  | { readonly do: "find" }
  | { readonly do: "end"; readonly outcome: Outcome; readonly next: AfterEnd }
  | { readonly do: "publish"; readonly as: PublishAs }
  | { readonly do: "finish"; readonly finding: Finding }
);

/** What becomes of the task when its attempt has ended. */
export type AfterEnd =
  | { readonly do: "publish"; readonly finding: Finding }
  | { readonly do: "finish"; readonly finding: Finding }
  | { readonly do: "requeue" };

const wait = (until: Instant | null, because: string) => ({ do: "wait", until, because }) as const;

export function nextStep(task: Task, facts: Facts, now: Instant): Step {
  if (isEnded(task)) return wait(null, "the task has ended");
  if (isWaitingForMachine(task)) return whileNoMachine(task, facts, now);
  switch (task.state) {
    case "held":
    case "queued":
    case "waiting":
      return beforeStart(task, now);
    case "starting":
      return whileStarting(task, facts, now);
    case "running":
      return whileRunning(task, facts, now);
    case "publishing":
      return whilePublishing(task);
  }
}

function beforeStart(task: InState<"held" | "queued" | "waiting">, now: Instant): Step {
  const cancelled = cancelFinding(task);
  if (cancelled !== undefined) return { do: "finish", finding: cancelled, because: cancelled.because };
  switch (task.state) {
    case "held":
      return wait(null, "the task is held");
    case "queued":
      return { do: "admit", because: "the asker's right and the base are not looked up yet" };
    case "waiting":
      if (task.for === "slot") return { do: "claim", because: "it waits for a slot" };
      return task.for === "money" || task.for === "pause"
        ? inAWhile(task, task.for === "money" ? patience.moneyMs : patience.pauseMs, now)
        : wait(null, `it waits for ${task.for}`);
  }
}

function inAWhile(task: InState<"waiting">, ms: number, now: Instant): Step {
  const until = after(task.since, ms);
  return now >= until ? { do: "requeue", because: "what it waits for may have come" } : wait(until, task.because);
}

function whileNoMachine(task: InState<"waiting">, facts: Facts, now: Instant): Step {
  const attempt = attemptIn(facts, task);
  const cancelled = cancelFinding(task);
  if (cancelled !== undefined) return endWith("cancelled", cancelled);
  // Whoever asked for it died before it was written down, and it may be gone by now: asking again could make a second one.
  if (facts.heard !== undefined) return { do: "note", because: "a sandbox has spoken that is not written down" };
  const { machine } = task;
  const until = machine?.until ?? task.since;
  if (now >= until) {
    if (machine?.next[0] !== undefined)
      return { do: "next machine", because: `${machine.gpu} was not free in its time` };
    const waitedMs = now - task.since;
    const because =
      machine?.building === true ? noImageWords(waitedMs) : noMachineWords(task.spec.resources.gpu, waitedMs);
    return endWith("failed", noResult("failed", because));
  }
  const askAt = attempt.waitedAt === undefined ? now : after(attempt.waitedAt, patience.machineMs);
  if (now >= askAt) return { do: "create", because: "there may be a machine for its sandbox by now" };
  return wait(earliest(askAt, until), task.because);
}

function whileStarting(task: InState<"starting">, facts: Facts, now: Instant): Step {
  const attempt = attemptIn(facts, task);
  // Who made it died before it was written down. It may be gone by now, so making it again could make a second one.
  if (facts.heard !== undefined && attempt.createdAt === undefined) {
    return { do: "note", because: "a sandbox has spoken that is not written down" };
  }
  const cancelled = cancelFinding(task);
  if (cancelled !== undefined) return endWith("cancelled", cancelled);
  if (facts.heard !== undefined) {
    return { do: "run", startedAt: facts.heard.firstAt, because: "the sandbox has spoken" };
  }
  if (attempt.createdAt === undefined) {
    const until = after(attempt.claimedAt, patience.createMs);
    if (now >= until) return lost(task, "its sandbox could not be created");
    return { do: "create", because: "its sandbox is not made yet" };
  }
  const until = after(attempt.createdAt, patience.firstWordMs);
  if (now >= until) return lost(task, "its sandbox never spoke");
  return wait(until, "the sandbox starts");
}

function whileRunning(task: InState<"running">, facts: Facts, now: Instant): Step {
  const attempt = attemptIn(facts, task);
  if (facts.result !== undefined) return afterResult(task, facts.result);
  const deadline = after(task.startedAt, task.spec.timeoutMs + patience.overtimeMs);
  if (now >= deadline) return endWith("timed-out", noResult("timed-out", "its time was up"));
  const cancelled = cancelFinding(task);
  const cancelAt = task.cancel === undefined ? deadline : after(task.cancel.at, patience.cancelMs);
  if (cancelled !== undefined && now >= cancelAt) return endWith("cancelled", cancelled);
  if (attempt.seen?.alive === false) return lost(task, "its sandbox is gone");
  const idle = idleness(task, facts.heard);
  if (idle?.is === "idle") return { do: "stop", because: idleWords };
  if (idle?.is === "told" && now >= idle.until) return endWith("timed-out", nothingHandedOver());
  const askAt = askBackendAt(task, attempt, facts.heard);
  if (now >= askAt) return { do: "find", because: "it has not spoken for a while" };
  const limit = earliest(deadline, cancelAt, ...idleLooks(idle, now));
  if (limit <= askAt) return wait(limit, "the work goes on");
  return { ...wait(askAt, "the work goes on"), putOffUpTo: limit };
}

function idleLooks(idle: Idleness | undefined, now: Instant): Instant[] {
  if (idle === undefined || idle.is === "idle") return [];
  const at = idle.is === "busy" ? idle.lookAt : idle.until;
  return at <= now ? [] : [at];
}

/** Silence alone is no proof: the service may have been away. The backend knows. */
function askBackendAt(task: InState<"running">, attempt: Attempt, heard: Heard | undefined): Instant {
  const lastWord = heard?.lastAt ?? task.startedAt;
  const silentAt = after(lastWord, patience.silenceMs);
  const asked = attempt.seen?.at;
  return asked === undefined || asked < silentAt ? silentAt : after(asked, patience.askAgainMs);
}

function afterResult(task: InState<"running">, result: AttemptResult): Step {
  const finding = judge(task, result);
  const next: AfterEnd = { do: publishAs(task, finding) === undefined ? "finish" : "publish", finding };
  return { do: "end", outcome: finding.verdict, next, because: finding.because };
}

function whilePublishing(task: InState<"publishing">): Step {
  // A cancel comes too late here: a pull request may be there already, and the report must say so.
  const as = publishAs(task, task.finding);
  if (as === undefined) return { do: "finish", finding: task.finding, because: "there is nothing to publish" };
  return { do: "publish", as, because: `${task.finding.changedFiles} files have changed` };
}

/** A lost attempt says nothing about the task, so it is tried again from its base, a few times. */
function lost(task: Task, because: string): Step {
  const tried = task.attempts - task.attemptsBefore;
  if (tried < patience.attempts) return { do: "end", outcome: "lost", next: { do: "requeue" }, because };
  const finding = noResult("failed", `${because}, ${tried} times in a row`);
  return { do: "end", outcome: "lost", next: { do: "finish", finding }, because };
}

const endWith = (outcome: Outcome, finding: Finding): Step => ({
  do: "end",
  outcome,
  next: { do: "finish", finding },
  because: finding.because,
});

export const noResult = (verdict: Finding["verdict"], because: string): Finding => ({
  verdict,
  because,
  summary: "",
  tail: "",
  changedFiles: 0,
  left: [],
});

function cancelFinding(task: Task): Finding | undefined {
  return task.cancel === undefined ? undefined : noResult("cancelled", `cancelled by ${task.cancel.by.login}`);
}

function attemptIn(facts: Facts, task: Task): Attempt {
  if (facts.attempt === undefined) throw new Error(`The attempt of ${task.id} is not in the store.`);
  return facts.attempt;
}
