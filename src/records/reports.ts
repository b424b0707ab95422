/** Reports: where a task's report stands on the forge, and the right to bring it up to date. */
import { z } from "zod";
import type { TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import type { ReportPlace } from "../core/ports/forge.ts";
import type { Store } from "../core/ports/store.ts";
import { Task } from "../core/task.ts";
import { kept, keys } from "./document.ts";
import { underLease, type Lease, type LeaseAsk } from "./lease.ts";
import { reportDuePut } from "./task-put.ts";

const Report = z.object({
  comment: z.int().positive().optional(),
  checks: z.record(z.string(), z.int().positive()),
  blocked: z.string().optional(),
  /** When it was last brought up to date. */
  shownAt: Instant,
});

export interface ReportTurn {
  readonly task: Task;
  readonly place: ReportPlace;
  readonly dueVersion: number;
  readonly lease: Lease;
}

const unreported: ReportPlace = { checks: {} };

/** Undefined where another holder reports the task, or it is gone. */
export async function takeReport(store: Store, ask: LeaseAsk & { task: TaskId }): Promise<ReportTurn | undefined> {
  const name = keys.report(ask.task);
  return underLease(store, name, ask, async (lease) => {
    const [task, report, due] = await store.look(ask.now, [
      { get: keys.task(ask.task) },
      { get: name },
      { get: keys.reportDue(ask.task) },
    ]);
    const found = kept(Task, task);
    if (found === undefined) return undefined;
    const place = kept(Report, report)?.value ?? unreported;
    return { task: found.value, place, dueVersion: due?.version ?? 0, lease };
  });
}

/** `next` is when it is due again, unless the task changed meanwhile: then that time stands. */
export async function endReport(
  store: Store,
  turn: ReportTurn,
  ask: { place: ReportPlace; next: Instant | null; now: Instant; op: string },
): Promise<void> {
  const { comment, checks, blocked } = ask.place;
  const report = {
    ...(comment === undefined ? {} : { comment }),
    checks,
    ...(blocked === undefined ? {} : { blocked }),
    shownAt: ask.now,
  };
  const commit = {
    now: ask.now,
    leases: [{ ...turn.lease, act: "release" as const }],
    put: [{ key: keys.report(turn.task.id), value: report }],
  };
  const due = reportDuePut(turn.task.id, ask.next);
  const first = await store.commit({
    ...commit,
    op: ask.op,
    versions: [[due.key, turn.dueVersion]],
    put: [...commit.put, due],
  });
  if (!first.ok) await store.commit({ ...commit, op: `${ask.op}/changed` });
}
