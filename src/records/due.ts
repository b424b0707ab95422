/** What the engine should look at now, and when it should look again. */
import { TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { counters, indexes, sortKey } from "./document.ts";

export interface Due {
  /** Tasks that want a look, the longest due first. */
  readonly tasks: readonly TaskId[];
  /**
   * For each repository with a task that waits for a slot, its oldest; the repository served longest ago first, and no
   * more than there are free slots.
   */
  readonly candidates: readonly TaskId[];
  readonly reports: readonly TaskId[];
  readonly requests: readonly string[];
  /** The earliest time at which something not listed here becomes due. */
  readonly nextAt: Instant | undefined;
}

export async function readDue(
  store: Store,
  now: Instant,
  { limit, maxSandboxes }: { limit: number; maxSandboxes: number },
): Promise<Due> {
  const to = sortKey(now);
  // Sort keys are whole milliseconds of fixed width, so "behind now" starts at the next one.
  const from = sortKey(Instant.parse(now + 1));
  const [running, tasks, candidates, reports, requests, laterTasks, laterReports, laterRequests] = await store.look(
    now,
    [
      { counter: counters.running },
      { range: indexes.due, to, limit },
      { range: indexes.ready, limit, each: { prefix: indexes.queuePrefix, limit: 1 } },
      { range: indexes.reportsDue, to, limit },
      { range: indexes.requestsDue, to, limit },
      { range: indexes.due, from, limit: 1 },
      { range: indexes.reportsDue, from, limit: 1 },
      { range: indexes.requestsDue, from, limit: 1 },
    ],
  );
  const later = [...laterTasks, ...laterReports, ...laterRequests].map((hit) => Number(hit.sort));
  return {
    tasks: tasks.map((hit) => idIn(hit.key)),
    candidates: candidates
      .slice(0, Math.max(0, maxSandboxes - running))
      .flatMap((hit) => hit.heads.map((head) => idIn(head.key))),
    reports: reports.map((hit) => idIn(hit.key)),
    requests: requests.map((hit) => hit.key.slice(hit.key.indexOf("/") + 1)),
    nextAt: later.length === 0 ? undefined : Instant.parse(Math.min(...later)),
  };
}

const idIn = (key: string): TaskId => TaskId.parse(key.slice(key.indexOf("/") + 1));
