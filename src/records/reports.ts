/** Reports: where a task's report stands on the forge, and the right to bring it up to date. */
import { z } from "zod";
import type { TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import type { ReportPlace, TaskView } from "../core/ports/forge.ts";
import type { Store } from "../core/ports/store.ts";
import { Task } from "../core/task.ts";
import { kept, keys } from "./document.ts";
import { dueIn, type Due, type DueAsk } from "./due.ts";
import { underLease, type Lease, type LeaseAsk } from "./lease.ts";
import { viewIn, viewQueries } from "./read-view.ts";
import { reportDuePut } from "./task-put.ts";

const Report = z.object({
  comment: z.int().positive().optional(),
  checks: z.record(z.string(), z.int().positive()),
  blocked: z.string().optional(),
  /** When it was last brought up to date. */
  shownAt: Instant,
});

export interface ReportTurn {
  readonly view: TaskView;
  readonly place: ReportPlace;
  readonly dueVersion: number;
  readonly lease: Lease;
  /** What else was due then, where it was asked. */
  readonly due: Due | undefined;
}

const unreported: ReportPlace = { checks: {} };

/**
 * Undefined where another holder reports the task, or it is gone. It is due again at `next`, whatever comes of this one:
 * a report that goes well needs no further commit.
 */
export async function takeReport(
  store: Store,
  ask: LeaseAsk & { task: TaskId; next: Instant; due: DueAsk },
): Promise<ReportTurn | undefined> {
  const { task: id, now } = ask;
  const name = keys.report(id);
  return underLease(store, ask, {
    name,
    put: [reportDuePut(id, ask.next)],
    putWhereAbsent: [reportDuePut(id, null)],
    asked: [{ get: keys.task(id) }, { get: name }, { get: keys.reportDue(id) }, ...viewQueries(id), ...ask.due.queries],
    async read(lease, [task, report, reportDue, spent, compute, attempt, heard, ...rest]) {
      const found = kept(Task, task);
      if (found === undefined) return undefined;
      const view = await viewIn(store, [spent, compute, attempt, heard], { task: found.value, now });
      const place = kept(Report, report)?.value ?? unreported;
      return { view, place, dueVersion: reportDue?.version ?? 0, lease, due: dueIn(ask.due, rest) };
    },
  });
}

/** `next` is when it is due again, unless the task changed meanwhile: then that time stands. What is due, where it was asked. */
export async function endReport(
  store: Store,
  turn: ReportTurn,
  ask: { place: ReportPlace; next: Instant | null; now: Instant; op: string; due: DueAsk },
): Promise<Due | undefined> {
  const { comment, checks, blocked } = ask.place;
  const { id } = turn.view.task;
  const report = {
    ...(comment === undefined ? {} : { comment }),
    checks,
    ...(blocked === undefined ? {} : { blocked }),
    shownAt: ask.now,
  };
  const { answers } = await store.commit(
    {
      op: ask.op,
      now: ask.now,
      leases: [{ ...turn.lease, act: "release" }],
      put: [
        { key: keys.report(id), value: report },
        { ...reportDuePut(id, ask.next), if: { version: turn.dueVersion } },
      ],
    },
    ask.due.queries,
  );
  return dueIn(ask.due, answers);
}
