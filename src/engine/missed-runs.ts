/**
 * Runs of workflows that nobody told us of: a delivery may be lost for good. Part of reconciling, some repositories at a
 * time, and none again before the rest have been looked at.
 */
import { Busy } from "../core/busy.ts";
import { after, minuteMs } from "../core/instant.ts";
import { hearRuns } from "../records/failures.ts";
import { endRound, takeRound, type Round } from "../records/rounds.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import type { Room } from "./room.ts";

/** From the end of one round to the beginning of the next. */
const everyMs = 15 * minuteMs;

export async function findMissedRuns(room: Room): Promise<void> {
  const { store, clock, ids, holder, workflows } = room;
  if (workflows === undefined) return;
  const ask = { name: "missed-runs", holder, ttlMs: leaseMs, now: clock.now(), op: ids.unique() };
  const turn = await takeRound(store, ask);
  if (turn === undefined) return;
  const stop = keepLease(room, turn.lease);
  let next: Round | undefined;
  try {
    const missed = await workflows.missed(turn.from);
    for (const heard of missed.runs) await hearRuns(store, ids, { ...heard, now: clock.now() });
    missed.written();
    const now = clock.now();
    next = missed.next === undefined ? { at: after(now, everyMs) } : { from: missed.next, at: now };
  } catch (error) {
    if (!(error instanceof Busy)) throw error;
  } finally {
    stop();
    await endRound(store, turn, { next, now: clock.now(), op: ids.unique() });
  }
}
