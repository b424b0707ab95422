/**
 * Reporting: bring what people see up to date. Apart from the steps, so that a slow or refusing GitHub delays no task;
 * a report that was put off shows the latest state when it comes.
 */
import { after, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import type { TaskId } from "../core/ids.ts";
import type { ReportPlace } from "../core/ports/forge.ts";
import { isEnded } from "../core/task.ts";
import { workOf } from "../records/due.ts";
import type { Lease } from "../records/lease.ts";
import { endReport, takeReport, type ReportTurn } from "../records/reports.ts";
import type { Dues } from "./dues.ts";
import { keepLease, renewEveryMs } from "./keep-lease.ts";
import type { Room } from "./room.ts";

const afterFaultMs = 30 * secondMs;
const soonestMs = 15 * secondMs;
/** The lease is not given back where that is all that there is to write: short, so that no other replica waits for long. */
const reportLeaseMs = renewEveryMs + 3 * secondMs;

/** What this process did last of a task's reports. It saves calls; what the store holds decides. */
interface Shown {
  /** Not given back, as there was nothing to write. */
  readonly lease: { readonly held: Lease; readonly until: Instant } | undefined;
  /** Since when the task is in the state that was shown. */
  readonly since: Instant;
  readonly next: Instant;
}

/** Tasks that another replica goes on with are forgotten with time. */
const shownAtMost = 1000;

export interface Reporter {
  report(id: TaskId, dues: Dues): Promise<boolean>;
  /** Whether this process showed last what this work is about. */
  isOurs(work: string): boolean;
}

export function openReporter(room: Room): Reporter {
  const { store, clock, ids, holder } = room;
  const all = new Map<string, Shown>();
  return {
    isOurs: (work) => all.has(work),
    async report(id, dues) {
      const now = clock.now();
      const work = workOf.report(id);
      const before = all.get(work);
      all.delete(work);
      // At its own time it shows progress in a state that is known; else the task has just changed.
      const next = before !== undefined && now >= before.next ? progressAt(before.since, now) : after(now, soonestMs);
      const kept = before?.lease !== undefined && now < before.lease.until ? before.lease.held : undefined;
      const ask = { task: id, holder, ttlMs: reportLeaseMs, now, op: ids.unique(), kept, next, due: dues.ask() };
      const turn = await takeReport(store, ask);
      if (turn === undefined) return false;
      dues.found(turn.due);
      const shown = await show(room, turn, { now, next, dues });
      if (shown !== undefined) all.set(work, shown);
      for (const oldest of all.keys()) if (all.size > shownAtMost) all.delete(oldest);
      return true;
    },
  };
}

/** What was shown; undefined where that was the end, or did not go well. */
async function show(
  room: Room,
  turn: ReportTurn,
  { now, next, dues }: { now: Instant; next: Instant; dues: Dues },
): Promise<Shown | undefined> {
  const { store, clock, ids } = room;
  const { task } = turn.view;
  const end = async (place: ReportPlace, at: Instant | null): Promise<void> => {
    const ask = { place, next: at, now: clock.now(), op: ids.unique(), due: dues.ask() };
    dues.found(await endReport(store, turn, ask));
  };
  const unit = { task: task.id, state: task.state };
  // It may wait for its turn at the forge's writer for a while.
  const stop = keepLease(room, turn.lease);
  try {
    const microUsdPerHour = room.sandboxes.pricePerHour(task.spec.resources);
    const result = await room.forge.report({ ...turn.view, microUsdPerHour }, turn.place);
    const tookMs = clock.now() - now;
    room.log.info({ ...unit, outcome: result.done ? "done" : "put off", durationMs: tookMs }, "report");
    if (!result.done || isEnded(task)) {
      await end(result.place, result.done ? null : result.until);
      return undefined;
    }
    const { since } = task;
    const due = progressAt(since, now);
    // Its lease runs out by itself, before anybody needs it.
    const stands = due === next && tookMs < renewEveryMs && isSame(result.place, turn.place);
    if (stands) return { lease: { held: turn.lease, until: after(now, reportLeaseMs) }, since, next };
    await end(result.place, due);
    return { lease: undefined, since, next: due };
  } catch (error) {
    room.log.error({ ...unit, err: error }, "a report failed");
    await end(turn.place, after(clock.now(), afterFaultMs));
    return undefined;
  } finally {
    stop();
  }
}

const isSame = (one: ReportPlace, other: ReportPlace): boolean =>
  one.comment === other.comment &&
  one.blocked === other.blocked &&
  Object.keys(one.checks).length === Object.keys(other.checks).length &&
  Object.entries(one.checks).every(([sha, id]) => other.checks[sha] === id);

/** Progress is told ever less often, so that a task of ten minutes costs GitHub no more than ten updates of its comment. */
const progressAt = (since: Instant, now: Instant): Instant =>
  after(now, Math.min(5 * minuteMs, Math.max(soonestMs, now - since)));
