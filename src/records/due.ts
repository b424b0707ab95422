/** What the engine should look at now, and when it should look again. */
import { TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import type { Answers, Store } from "../core/ports/store.ts";
import { counters, indexes, keys, sortKey } from "./document.ts";

export interface Due extends Next {
  /** Tasks that want a look, the longest due first. */
  readonly tasks: readonly TaskId[];
  /**
   * For each repository with a task that waits for a slot, its oldest; the repository served longest ago first, and no
   * more than there are free slots; none while new starts are halted.
   */
  readonly candidates: readonly TaskId[];
  readonly reports: readonly TaskId[];
  readonly requests: readonly string[];
  /** Workflows whose issue is to be brought up to date. */
  readonly failures: readonly string[];
}

/** What becomes due next by the clock alone. */
export interface Next {
  readonly nextAt: Instant | undefined;
  /** Its name, where it is one thing. */
  readonly nextWork: string | undefined;
}

/** Names of what is due, as a wake gives them behind `due/` (task-put.ts). */
export const workOf = {
  task: (id: string) => `task/${id}`,
  report: (id: string) => `report/${id}`,
  request: (id: string) => `request/${id}`,
  failure: (id: string) => `failure/${id}`,
} as const;

export interface DueLimits {
  /** How many due things of each kind are read. */
  readonly limit: number;
  readonly maxSandboxes: number;
}

export const dueQueries = (now: Instant, limit: number) => {
  const to = sortKey(now);
  // Sort keys are whole milliseconds of fixed width, so "behind now" starts at the next one.
  const from = sortKey(Instant.parse(now + 1));
  return [
    { counter: counters.running },
    { range: indexes.due, to, limit },
    { range: indexes.ready, limit, each: { prefix: indexes.queuePrefix, limit: 1 } },
    { range: indexes.reportsDue, to, limit },
    { range: indexes.requestsDue, to, limit },
    { range: indexes.failuresDue, to, limit },
    { range: indexes.due, from, limit: 1 },
    { range: indexes.reportsDue, from, limit: 1 },
    { range: indexes.requestsDue, from, limit: 1 },
    { range: indexes.failuresDue, from, limit: 1 },
    { get: keys.halt },
  ] as const;
};

type DueQueries = ReturnType<typeof dueQueries>;

/** What a commit asks along to know what is due after it; or nothing, where another commit of the same moment does. */
export interface DueAsk {
  readonly queries: readonly [] | DueQueries;
  readonly maxSandboxes: number;
}

/** Undefined where nothing was asked. */
export function dueIn(
  { maxSandboxes }: Pick<DueAsk, "maxSandboxes">,
  answers: Answers<readonly []> | Answers<DueQueries>,
): Due | undefined {
  if (answers.length === 0) return undefined;
  const [running, tasks, candidates, reports, requests, failures, ...rest] = answers;
  const [laterTasks, laterReports, laterRequests, laterFailures, halt] = rest;
  const freeSlots = halt === undefined ? Math.max(0, maxSandboxes - running) : 0;
  const later = [
    // A word of its sandbox may have put it off by then, so it takes a look.
    ...laterTasks.map((hit) => ({ sort: hit.sort, work: undefined })),
    ...laterReports.map((hit) => ({ sort: hit.sort, work: workOf.report(idIn(hit.key)) })),
    ...laterRequests.map((hit) => ({ sort: hit.sort, work: workOf.request(nameIn(hit.key)) })),
    ...laterFailures.map((hit) => ({ sort: hit.sort, work: workOf.failure(nameIn(hit.key)) })),
  ].toSorted((one, other) => Number(one.sort) - Number(other.sort));
  const [next] = later;
  return {
    tasks: tasks.map((hit) => idIn(hit.key)),
    candidates: candidates.slice(0, freeSlots).flatMap((hit) => hit.heads.map((head) => idIn(head.key))),
    reports: reports.map((hit) => idIn(hit.key)),
    requests: requests.map((hit) => nameIn(hit.key)),
    failures: failures.map((hit) => nameIn(hit.key)),
    nextAt: next && Instant.parse(Number(next.sort)),
    nextWork: next?.work,
  };
}

export async function readDue(store: Store, now: Instant, limits: DueLimits): Promise<Due> {
  const due = dueIn(limits, await store.look(now, dueQueries(now, limits.limit)));
  if (due === undefined) throw new Error("The store gave no answer to what is due.");
  return due;
}

const nameIn = (key: string): string => key.slice(key.indexOf("/") + 1);
const idIn = (key: string): TaskId => TaskId.parse(nameIn(key));
