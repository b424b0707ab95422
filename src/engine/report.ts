/**
 * Reporting: bring what people see up to date. Apart from the steps, so that a slow or refusing GitHub delays no task;
 * a report that was put off shows the latest state when it comes.
 */
import { after, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import type { TaskId } from "../core/ids.ts";
import type { TaskView } from "../core/ports/forge.ts";
import { isEnded } from "../core/task.ts";
import { readView } from "../records/read-view.ts";
import { endReport, takeReport } from "../records/reports.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import type { Room } from "./room.ts";

const afterFaultMs = 30 * secondMs;

export async function report(room: Room, id: TaskId): Promise<boolean> {
  const { store, clock, ids, holder } = room;
  const now = clock.now();
  const turn = await takeReport(store, { task: id, holder, ttlMs: leaseMs, now, op: ids.unique() });
  if (turn === undefined) return false;
  const view = await readView(store, now, turn.task);
  const end = (place: typeof turn.place, next: Instant | null) =>
    endReport(store, turn, { place, next, now: clock.now(), op: ids.unique() });
  const unit = { task: id, state: turn.task.state };
  // It may wait for its turn at the forge's writer for a while.
  const stop = keepLease(room, turn.lease);
  try {
    const result = await room.forge.report(view, turn.place);
    await end(result.place, result.done ? nextReport(view, clock.now()) : result.until);
    room.log.info({ ...unit, outcome: result.done ? "done" : "put off", durationMs: clock.now() - now }, "report");
  } catch (error) {
    room.log.error({ ...unit, err: error }, "a report failed");
    await end(turn.place, after(clock.now(), afterFaultMs));
  } finally {
    stop();
  }
  return true;
}

/** Progress is told ever less often, so that a long task costs GitHub no more writes an hour than a short one does. */
function nextReport(view: TaskView, now: Instant): Instant | null {
  if (isEnded(view.task)) return null;
  return after(now, Math.min(5 * minuteMs, Math.max(15 * secondMs, (now - view.task.since) / 2)));
}
