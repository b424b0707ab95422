/**
 * What is known of the runs of each workflow, and of the issue that tells of them. A run is written down as it is heard of,
 * in whatever order; the engine brings the issue up to date when that makes it due.
 */
import { z } from "zod";
import { type Evidence, FailureIssue, Workflow, WorkflowRun, standingOf, withRun } from "../core/failures.ts";
import { Instant } from "../core/instant.ts";
import { visible } from "../core/markdown.ts";
import { logEnd } from "../core/log-end.ts";
import type { Event } from "../core/event.ts";
import type { Ids } from "../core/ports/clock.ts";
import type { Put, Store } from "../core/ports/store.ts";
import type { Redact } from "../core/redact.ts";
import { indexes, kept, keys, sortKey, type Kept } from "./document.ts";
import { dueIn, type Due, type DueAsk } from "./due.ts";
import { eventAppends } from "./events.ts";
import { underLease, type Lease, type LeaseAsk } from "./lease.ts";
import { dueTopic } from "./task-put.ts";

export const Failures = z.object({
  workflow: Workflow,
  runs: z.array(WorkflowRun),
  issue: FailureIssue.optional(),
  /** Why there is no issue that could be brought up to date; nothing is tried until another run fails. */
  refused: z.string().optional(),
  /** How often the issue could not be brought up to date since the last run came. */
  tries: z.int().min(0),
  /** When the last run came. */
  heardAt: Instant,
});
export type Failures = z.output<typeof Failures>;

/** `500001/image-rebuild.yml`; names the work and, behind `failure/`, the document. */
export const workflowId = (workflow: Workflow): string =>
  workflow.kind === "actions"
    ? `${workflow.repository.id}/${workflow.file}`
    : `service/${workflow.repository.toLowerCase()}/${workflow.job}`;

const failuresPut = (failures: Failures, due: Instant | undefined): Put => ({
  key: keys.failure(workflowId(failures.workflow)),
  value: failures,
  entries: due === undefined ? [] : [[indexes.failuresDue, sortKey(due)]],
});

/** Others write the same document only while they hear of runs themselves. */
const triesAtOnce = 20;

export interface HeardRuns {
  readonly workflow: Workflow;
  readonly runs: readonly WorkflowRun[];
  readonly now: Instant;
}

/** "known" where they tell nothing new, as a repeated delivery does. */
export async function hearRuns(store: Store, ids: Pick<Ids, "unique">, heard: HeardRuns): Promise<"kept" | "known"> {
  const { workflow, now } = heard;
  const key = keys.failure(workflowId(workflow));
  for (let n = 0; n < triesAtOnce; n += 1) {
    const [document] = await store.look(now, [{ get: key }]);
    const before = kept(Failures, document);
    const known = before?.value.runs ?? [];
    const runs = heard.runs.reduce<readonly WorkflowRun[]>((all, run) => withRun(all, run) ?? all, known);
    if (runs === known) return "known";
    const { issue } = before?.value ?? {};
    // A run that passed matters where something had failed before it.
    const isDue = issue !== undefined || standingOf(runs).failed.length > 0;
    const after: Failures = { workflow, runs: [...runs], tries: 0, heardAt: now, ...(issue && { issue }) };
    const { ok } = await store.commit({
      op: ids.unique(),
      now,
      versions: [[key, before?.version ?? 0]],
      put: [failuresPut(after, isDue ? now : undefined)],
      wake: isDue ? [dueTopic] : [],
    });
    if (ok) return "kept";
  }
  throw new Error(`The runs of ${workflowId(workflow)} change too often to be written down.`);
}

/** How a job ended that the service did for its operator. */
export interface RunNote {
  /** The operator's repository, as `owner/name`; the app is installed there. */
  readonly repository: string;
  readonly workflow: "image-rebuild" | "e2e";
  readonly outcome: WorkflowRun["outcome"];
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  /** What started it, as GitHub calls it. */
  readonly trigger: "schedule" | "workflow_dispatch";
  readonly url?: string | undefined;
  /** Untrusted, like all that follows. */
  readonly level?: string | undefined;
  readonly failing: readonly Evidence["failing"][number][];
  readonly log: string;
}

/**
 * A job of the service's own becomes an issue in the operator's repository like a workflow of GitHub Actions does: one for
 * each kind of job, updated, closed and opened again. Secrets are taken out before anything is kept.
 */
export async function noteRun(
  store: Store,
  note: RunNote,
  with_: { readonly ids: Pick<Ids, "unique">; readonly now: Instant; readonly redact: Redact },
): Promise<"kept" | "known"> {
  const { ids, now, redact } = with_;
  const evidence: Evidence = {
    ...(note.level === undefined ? {} : { level: note.level }),
    failing: note.failing.map((each) => ({ ...each, job: redact(each.job), step: each.step && redact(each.step) })),
    logs: [{ job: redact(note.failing[0]?.job ?? note.workflow), text: logEnd(redact(visible(note.log))) }],
  };
  const run: WorkflowRun = {
    // One at a time, so that the time of its start orders them.
    number: note.startedAt,
    attempt: 1,
    outcome: note.outcome,
    endedAt: note.endedAt,
    ...(note.url === undefined ? {} : { url: note.url }),
    trigger: note.trigger,
    title: "",
    evidence,
  };
  const workflow: Workflow = { kind: "service", repository: note.repository, job: note.workflow };
  return hearRuns(store, ids, { workflow, runs: [run], now });
}

export interface FailuresTurn {
  readonly failures: Kept<Failures>;
  readonly lease: Lease;
}

/** Undefined where another holder brings it up to date. */
export const takeFailures = (store: Store, ask: LeaseAsk & { id: string }): Promise<FailuresTurn | undefined> =>
  underLease(store, ask, {
    name: keys.failure(ask.id),
    asked: [{ get: keys.failure(ask.id) }],
    async read(lease, [document]) {
      const failures = kept(Failures, document);
      return failures === undefined ? undefined : { failures, lease };
    },
  });

export interface FailuresShown {
  readonly issue: FailureIssue | undefined;
  readonly refused: string | undefined;
  readonly tries: number;
  /** When to go on; undefined where all is told. */
  readonly again: Instant | undefined;
  readonly events: readonly Event[];
}

/** Gives the work back. Runs that came meanwhile stay, and make it due at once. */
export async function endFailures(
  store: Store,
  turn: FailuresTurn,
  ask: { shown: FailuresShown; now: Instant; ids: Pick<Ids, "unique">; due: DueAsk },
): Promise<Due | undefined> {
  const { issue, refused, tries, again, events } = ask.shown;
  const { now, ids, due } = ask;
  let known = turn.failures;
  for (let n = 0; n < triesAtOnce; n += 1) {
    const { issue: _issue, refused: _refused, ...rest } = known.value;
    const hasNews = known.version !== turn.failures.version;
    const after: Failures = {
      ...rest,
      tries: hasNews ? 0 : tries,
      ...(issue && { issue }),
      ...(refused !== undefined && { refused }),
    };
    const key = keys.failure(workflowId(rest.workflow));
    const result = await store.commit(
      {
        op: ids.unique(),
        now,
        leases: [{ ...turn.lease, act: "release" }],
        versions: [[key, known.version]],
        put: [failuresPut(after, hasNews ? now : again)],
        append: eventAppends(events),
      },
      due.queries,
    );
    if (result.ok) return dueIn(due, result.answers);
    // Somebody else is at it now.
    if (result.failed.some(({ kind }) => kind === "lease")) return undefined;
    const [document] = await store.look(now, [{ get: key }]);
    const found = kept(Failures, document);
    if (found === undefined) return undefined;
    known = found;
  }
  throw new Error(`The runs of ${workflowId(known.value.workflow)} change too often to be written down.`);
}
