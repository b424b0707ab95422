/** How records are kept: keys, indexes and counters in one place, so that no two records can meet by accident. */
import type { z } from "zod";
import type { Document } from "../core/ports/store.ts";
import type { AttemptId, TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Place } from "../core/task.ts";

/** A document as it was read: `version` conditions the commit that changes it. */
export interface Kept<T> {
  readonly version: number;
  readonly value: T;
}

export const keys = {
  task: (id: TaskId) => `task/${id}`,
  /** When the engine should look at a task next; apart from the task, so that a hint never collides with a change. */
  due: (id: TaskId) => `due/${id}`,
  attempt: (id: AttemptId) => `attempt/${id}`,
  heard: (id: AttemptId) => `heard/${id}`,
  result: (id: AttemptId) => `result/${id}`,
  part: (id: AttemptId, number: number) => `part/${id}/${number}`,
  report: (id: TaskId) => `report/${id}`,
  /** When the report is brought up to date next; apart from the report, as `due/…` is from the task. */
  reportDue: (id: TaskId) => `report-due/${id}`,
  delivery: (id: string) => `delivery/${id}`,
  /** What a person wrote, by its place and GitHub's id: `comment/900`, `issue/77`. */
  said: (installation: number, what: string) => `said/${installation}/${what}`,
  request: (id: string) => `request/${id}`,
  /** The runs of a workflow and their issue, by its own id. */
  failure: (workflow: string) => `failure/${workflow}`,
  /** What a label on an issue started last. */
  labelled: (repository: number, number: number, label: number) => `labelled/${repository}/${number}/${label}`,
  /** A command that was carried out, by its operation. */
  done: (op: string) => `done/${op}`,
  /** Where work stands that goes through everything in turn. */
  round: (name: string) => `round/${name}`,
  queueHead: (repository: string) => `queue-head/${repository}`,
  slice: (id: string) => `slice/${id}`,
  /** What an operator set of the ceilings, over the settings. */
  budgets: "budgets",
  gatewayKey: "key/gateway",
  /** There while an operator has halted new starts. */
  halt: "halt",
  /** What the operator is told of, by its own key. */
  notice: (key: string) => `notice/${key}`,
  /** What is known of an image; `name` is what its tags are tags of: `parhelia`, or `staging/parhelia` in an environment. */
  image: (name: string, tag: string) => `image/${name}/${tag}`,
  /** Which images were made live under a name. */
  liveImages: (name: string) => `live-images/${name}`,
  /** A job of the schedule, by its name. */
  job: (name: string) => `job/${name}`,
  /** The machine and folder that the local sandboxes of a shared store are in. */
  localHome: "local-home",
} as const;

export const indexes = {
  /** Tasks that want a look, by when; the entries belong to the `due/…` documents. */
  due: "due",
  /** Reports that want to be brought up to date, by when. */
  reportsDue: "reports-due",
  /** Requests that want an answer, by when. */
  requestsDue: "requests-due",
  /** Workflows whose issue is to be brought up to date, by when. */
  failuresDue: "failures-due",
  /** Notices that a channel does not have yet, by when to try. */
  noticesDue: "notices-due",
  /** Repositories with a task that waits for a slot, by when they were last served. */
  ready: "ready",
  /** Tasks of one repository that wait for a slot, oldest first; the head of `ready` entries is `queue/<key of the queue head>`. */
  queue: (repository: string) => `queue/${keys.queueHead(repository)}`,
  queuePrefix: "queue/",
  /** All tasks, and those that are not ended, by creation. */
  tasks: "tasks",
  live: "live",
  /** Tasks that have ended, by their end; and those of one repository. */
  ended: "ended",
  endedOf: (repository: string) => `ended/${repository}`,
  /** Attempts that have not ended, by their claim: as many as there are slots in use. */
  liveAttempts: "live-attempts",
  /** Tasks of one issue or directory, by creation. */
  place: (place: Place) =>
    place.kind === "issue"
      ? `at/${place.repository.id}/${place.number}`
      : `at/dir/${encodeURIComponent(place.directory)}`,
  /** Images of one name, by when they were built. */
  images: (name: string) => `images/${name}`,
  /** Money held for an attempt. */
  slices: (attempt: AttemptId) => `slices/${attempt}`,
} as const;

export const counters = {
  /** Attempts that hold a slot. */
  running: "running",
  queued: (repository: string) => `queued/${repository}`,
  seen: (attempt: AttemptId) => `seen/${attempt}`,
  /** Bytes of events kept for an attempt. */
  told: (attempt: AttemptId) => `told/${attempt}`,
  /** Slices drawn for an attempt; raised out of reach when the attempt ends, so that nothing is drawn afterwards. */
  draws: (attempt: AttemptId) => `draws/${attempt}`,
  /** Charged plus held: what a ceiling bounds. */
  used: (scope: string) => `used/${scope}`,
  /** What an operator's resets took from `used`, so that charged minus this is what still counts. */
  adjusted: (scope: string) => `adjusted/${scope}`,
  spent: (scope: string, kind: "model" | "compute") => `spent/${scope}/${kind}`,
} as const;

export const logs = {
  task: (id: TaskId) => `task/${id}`,
  taskWarnings: (id: TaskId) => `task/${id}/warning`,
  all: (level: "info" | "warning" | "error") => `all/${level}`,
  inbox: (attempt: AttemptId) => `inbox/${attempt}`,
  ledger: (month: string) => `ledger/${month}`,
} as const;

/** Fixed width, so that text order is time order. */
export const sortKey = (instant: Instant): string => String(Math.trunc(instant)).padStart(14, "0");

/**
 * Reads a document through its schema: what another release wrote is understood or refused, never guessed. Fields that are
 * not known are left out, because in a rolling restart two releases work on the same state: a new field has to be optional.
 */
export function kept<S extends z.ZodType>(schema: S, document: Document | undefined): Kept<z.output<S>> | undefined {
  if (document === undefined) return undefined;
  const parsed = schema.safeParse(document.value);
  if (!parsed.success)
    throw new Error(`The stored document ${document.key} does not fit its schema: ${issues(parsed.error)}`);
  return { version: document.version, value: parsed.data };
}

/** Those of a listing that fit: one document that nobody understands must not hide all others. Whoever works on it says so. */
export function allKept<S extends z.ZodType>(
  schema: S,
  hits: readonly { readonly document: Document | undefined }[],
): Kept<z.output<S>>[] {
  return hits.flatMap(({ document }) => {
    const parsed = schema.safeParse(document?.value);
    return document !== undefined && parsed.success ? [{ version: document.version, value: parsed.data }] : [];
  });
}

/** Paths and codes alone: a document's values must not reach a log through an error. */
const issues = (error: z.ZodError): string =>
  error.issues.map((each) => `${each.path.join(".")}: ${each.code}`).join(", ");
