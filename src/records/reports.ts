/** Reports: where a task's report stands on the forge, and the right to bring it up to date. */
import { z } from "zod";
import type { TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import type { ReportPlace } from "../core/ports/forge.ts";
import type { Store } from "../core/ports/store.ts";
import { Task } from "../core/task.ts";
import { kept, keys } from "./document.ts";
import { reportDuePut } from "./task-put.ts";

const Report = z.strictObject({
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
  readonly lease: { readonly name: string; readonly holder: string; readonly fence: number };
}

const unreported: ReportPlace = { checks: {} };

/** Undefined where another holder reports the task, or it is gone. */
export async function takeReport(
  store: Store,
  ask: { task: TaskId; holder: string; ttlMs: number; now: Instant; op: string },
): Promise<ReportTurn | undefined> {
  const name = keys.report(ask.task);
  const taken = await store.commit({
    op: ask.op,
    now: ask.now,
    leases: [{ name, act: "take", holder: ask.holder, ttlMs: ask.ttlMs }],
  });
  const fence = taken.ok ? taken.fences[0] : undefined;
  if (fence === undefined) return undefined;
  const [task, report, due] = await store.look(ask.now, [
    { get: keys.task(ask.task) },
    { get: name },
    { get: keys.reportDue(ask.task) },
  ]);
  const lease = { name, holder: ask.holder, fence };
  const found = kept(Task, task);
  if (found !== undefined) {
    const place = kept(Report, report)?.value ?? unreported;
    return { task: found.value, place, dueVersion: due?.version ?? 0, lease };
  }
  await store.commit({ op: `${ask.op}/absent`, now: ask.now, leases: [{ ...lease, act: "release" }] });
  return undefined;
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
