/**
 * A task: one thing that someone asked for. What a state needs to know lives in that state; what it looks like to
 * people is derived in `standing.ts` and never stored.
 */
import { z } from "zod";
import { AttemptId, attemptId, InstallationId, Sha, TaskId } from "./ids.ts";
import { Instant } from "./instant.ts";
import { Machine } from "./awaited-machine.ts";
import { MicroUsd } from "./money.ts";
import { Network } from "./network.ts";
import { Policy } from "./policy.ts";

/** A GitHub account, or the user of this machine with id 0. */
export const Actor = z.object({ id: z.int().min(0), login: z.string() });
export type Actor = z.output<typeof Actor>;

/** Keyed by id: names change, ids do not. */
export const Repository = z.object({ id: z.int().positive(), owner: z.string(), name: z.string() });
export type Repository = z.output<typeof Repository>;

/** Where a task was asked for and where its report appears. */
export const Place = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("issue"),
    installation: InstallationId,
    repository: Repository,
    /** Number of the issue or pull request. */
    number: z.int().positive(),
    pullRequest: z.boolean(),
  }),
  z.object({ kind: z.literal("terminal"), directory: z.string() }),
]);
export type Place = z.output<typeof Place>;
export type IssuePlace = Extract<Place, { kind: "issue" }>;

export const Origin = z.object({
  place: Place,
  actor: Actor,
  /** The comment that asked, where it was one. */
  comment: z.object({ id: z.int().positive(), url: z.string() }).optional(),
  /** The label that asked, as it was called then. */
  label: z.string().optional(),
  /** Set where a bot asked that the repository's settings allow. */
  bot: z.literal(true).optional(),
});
export type Origin = z.output<typeof Origin>;

export const Work = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("agent"),
    /** One line; the rest of the comment is `body`. */
    instruction: z.string().min(1),
    body: z.string(),
    model: z.string().nullable(),
    /** Set where the words are those that a label was put on, and not of whoever asked. */
    quoted: z.literal(true).optional(),
  }),
  z.object({ kind: z.literal("command"), argv: z.array(z.string()).min(1) }),
]);
export type Work = z.output<typeof Work>;

/** What a person can name and a repository can fill in. */
export const Named = z.enum(["cpu", "memory", "gpu", "max_wait", "timeout", "budget", "model"]);
export type Named = z.output<typeof Named>;

export const Spec = z.object({
  work: Work,
  timeoutMs: z.int().positive(),
  budget: MicroUsd,
  resources: z.object({ cpu: z.number().positive(), memoryMiB: z.int().positive(), gpu: z.string().optional() }),
  /** Branch, tag or commit to start from; null for the head of the pull request or the default branch. */
  ref: z.string().nullable(),
  publish: z.boolean(),
  /** What the person named; the rest is the operator's default, which a repository's settings may change. */
  named: z.array(Named).optional(),
  /** How long one GPU of several is waited for before the next is asked for; the operator's share of the time unless told. */
  maxWaitMs: z.int().positive().optional(),
  /** What its sandbox may reach, as the repository's settings narrow it; found out at admission. */
  network: Network.optional(),
  /** Names of the operator's secrets that its sandbox gets, where it is trusted. */
  secrets: z.array(z.string()).optional(),
  /** The repository's own base of its sandboxes' image, in a registry. */
  image: z.string().optional(),
});
export type Spec = z.output<typeof Spec>;

/** What a task starts from, pinned when it is admitted, so that later pushes and edits do not change it. */
export const Base = z.object({
  sha: Sha,
  /** What people call it: a branch, `pull request #12`. */
  ref: z.string(),
  /** The ref to fetch where the commit alone is not served: `refs/pull/12/head`. */
  fetchRef: z.string(),
  /** Clone address, or null where the gateway serves the repository. */
  url: z.string().nullable(),
  /** The branch that a pull request of ours asks to merge into. */
  into: z.string(),
  /** False where the code or the quoted text comes from someone without write access. */
  trusted: z.boolean(),
  /** Branch of a pull request that we may push to, or null: a fork's, or none. */
  head: z.string().nullable(),
  /** The conversation as it stood, for the agent: data, never orders. */
  quoted: z.array(z.object({ what: z.string(), author: z.string(), text: z.string() })),
  /** Set where the commit holds what an earlier run of this task had done when its money was used up. */
  goesOn: z.literal(true).optional(),
});
export type Base = z.output<typeof Base>;

const verdicts = ["succeeded", "failed", "cancelled", "timed-out", "over-budget"] as const;
export const Verdict = z.enum(verdicts);
export type Verdict = z.output<typeof Verdict>;

/** What an attempt came to: the verdict on the evidence, and what people should read. Text is untrusted. */
export const Finding = z.object({
  verdict: Verdict,
  /** One line: `npm test exited with 1`. */
  because: z.string(),
  /** The agent's closing words, or "". */
  summary: z.string(),
  /** End of the output. */
  tail: z.string(),
  changedFiles: z.int().min(0),
  /** What could not be carried out of the sandbox, one sentence each. */
  left: z.array(z.string()),
  /** Set where the fault is ours: joins the report to the operator's log. */
  trace: z.string().optional(),
});
export type Finding = z.output<typeof Finding>;

export const Published = z.object({
  branch: z.string(),
  sha: Sha,
  url: z.string(),
  /** Number of the pull request, or null where only a branch was made. */
  pullRequest: z.int().positive().nullable(),
  files: z.int().min(0),
  added: z.int().min(0),
  removed: z.int().min(0),
  /** What the reader must know: unsigned commits, a branch of its own because the head had moved. */
  notes: z.array(z.string()),
});
export type Published = z.output<typeof Published>;

const shared = {
  id: TaskId,
  origin: Origin,
  spec: Spec,
  createdAt: Instant,
  /** Attempts begun so far, in this run and those before a retry. */
  attempts: z.int().min(0),
  /** Attempts before this run began: a retry starts counting anew. */
  attemptsBefore: z.int().min(0),
  /** What may be spent on the task in all: the budget, and after a retry what was spent before plus the budget again. */
  ceiling: MicroUsd,
  /** Set at admission and kept: a retry starts from the same base. */
  base: Base.optional(),
  cancel: z.object({ at: Instant, by: Actor }).optional(),
  /** What the repository's settings lower of the operator's ceilings, as they were at admission. */
  lowered: z.object({ day: MicroUsd.optional(), month: MicroUsd.optional() }).optional(),
  policy: Policy.optional(),
  /** What runs like it cost, and what it may well cost by that, where somebody wants to know before it starts. */
  estimate: z.object({ runs: z.int(), from: MicroUsd, to: MicroUsd, likely: MicroUsd }).optional(),
  /** Who agreed that it may cost so much. */
  approval: z.object({ by: Actor, at: Instant, upTo: MicroUsd }).optional(),
};
const live = { ...shared, since: Instant };
const ended = {
  ...shared,
  endedAt: Instant,
  finding: Finding,
  published: Published.optional(),
  /** A result that could not be published, and what it had come to: it can be published without running anything again. */
  unpublished: z.object({ attempt: AttemptId, verdict: Verdict, because: z.string() }).optional(),
  /** When work began in the sandbox of the last attempt; absent where none ever did. */
  startedAt: Instant.optional(),
};

export const Task = z.discriminatedUnion("state", [
  z.object({ ...live, state: z.literal("held") }),
  /** Written down; the asker's right and the base are not yet looked up. */
  z.object({ ...live, state: z.literal("queued"), tries: z.int().min(0) }),
  z.object({
    ...live,
    state: z.literal("waiting"),
    for: z.enum(["slot", "money", "capacity", "approval", "pause"]),
    because: z.string(),
    /** Both of `capacity` alone: the attempt whose sandbox waits for a machine, and for which one. */
    attempt: AttemptId.optional(),
    machine: Machine.optional(),
  }),
  z.object({ ...live, state: z.literal("starting"), attempt: AttemptId }),
  z.object({
    ...live,
    state: z.literal("running"),
    attempt: AttemptId,
    startedAt: Instant,
    /** When its agent, which did nothing, was told to stop. */
    idleAt: Instant.optional(),
  }),
  z.object({
    ...live,
    state: z.literal("publishing"),
    attempt: AttemptId,
    startedAt: Instant.optional(),
    finding: Finding,
    tries: z.int().min(0),
  }),
  z.object({ ...ended, state: z.literal("succeeded") }),
  z.object({ ...ended, state: z.literal("failed") }),
  z.object({ ...ended, state: z.literal("cancelled") }),
  z.object({ ...ended, state: z.literal("timed-out") }),
  z.object({ ...ended, state: z.literal("over-budget") }),
]);
export type Task = z.output<typeof Task>;
export type TaskState = Task["state"];
export type InState<S extends TaskState> = Extract<Task, { state: S }>;
export type EndedTask = InState<Verdict>;

const ends: ReadonlySet<string> = new Set(verdicts);
export const isEnded = (task: Task): task is EndedTask => ends.has(task.state);

/** The attempt that it is in; undefined where it is in none. */
export function attemptIn(task: Task): AttemptId | undefined {
  if (!isWaitingForMachine(task)) return "attempt" in task ? task.attempt : undefined;
  // A release that does not know the field leaves it out.
  return task.attempt ?? attemptId(task.id, task.attempts);
}

export const isWaitingForMachine = (task: Task): task is InState<"waiting"> & { readonly for: "capacity" } =>
  task.state === "waiting" && task.for === "capacity";

/** The key under which tasks are queued and counted fairly: one for each repository. */
export const repositoryKey = (place: Place): string => (place.kind === "issue" ? `r${place.repository.id}` : "local");

export const repositoryName = (place: Place): string =>
  place.kind === "issue" ? `${place.repository.owner}/${place.repository.name}` : place.directory;

/** What was asked, on one line, as the person wrote it. */
export function asked(work: Work): string {
  return work.kind === "agent" ? work.instruction : work.argv.join(" ");
}
