/**
 * Reconciling: the list of live sandboxes against the store. What lives although its attempt has ended is ended at once;
 * what nobody knows, after a grace period; a live attempt whose sandbox is missing is looked at. A failed listing is a
 * fault and changes nothing. With it goes what is kept long enough, the operator is told what the records show, and runs
 * of workflows are looked for that no delivery told of.
 */
import type { Attempt } from "../core/attempt.ts";
import { attemptOfSandbox } from "../core/ids.ts";
import { after, minuteMs, type Instant } from "../core/instant.ts";
import type { Sandbox } from "../core/ports/sandboxes.ts";
import { liveAttempts, markGone, readAttempt } from "../records/attempt.ts";
import type { Kept } from "../records/document.ts";
import { forget } from "../records/forget.ts";
import { findMissedLabels } from "./missed-labels.ts";
import { findMissedRuns } from "./missed-runs.ts";
import { notifyOperator } from "./notify.ts";
import type { Room } from "./room.ts";

/** A sandbox of ours that no attempt knows may have been made by a store we no longer have; its maker may still be writing. */
const unknownMs = 2 * minuteMs;

/** What fails in one part is in no way of the others, and thrown when all are done. */
export async function reconcile(room: Room): Promise<void> {
  const parts = await Promise.allSettled([
    sweep(room),
    notifyOperator(room),
    findMissedRuns(room),
    findMissedLabels(room),
  ]);
  const failures: unknown[] = parts.flatMap((part) => (part.status === "rejected" ? [part.reason] : []));
  if (failures.length > 1) throw new AggregateError(failures, "Several parts of reconciling failed.");
  for (const failure of failures) throw failure;
}

async function sweep(room: Room): Promise<void> {
  const now = room.clock.now();
  // Attempts first: one that is claimed after this cannot be taken for missing.
  const live = await liveAttempts(room.store, now);
  const sandboxes = await room.sandboxes.list();
  const ended: string[] = [];
  for (const sandbox of sandboxes) {
    try {
      if (!(await isLeftOver(room, sandbox, now))) continue;
      await room.sandboxes.end(sandbox.name);
      ended.push(sandbox.name);
    } catch (error) {
      // One that cannot be ended now must not keep the others alive; it is here again at the next round.
      room.log.error({ sandbox: sandbox.name, err: error }, "a leftover sandbox could not be ended");
    }
  }
  const names = new Set<string>(sandboxes.map((each) => each.name));
  const missing: string[] = [];
  for (const attempt of live) {
    try {
      if (await markMissing(room, attempt, names, now)) missing.push(attempt.value.id);
    } catch (error) {
      // Nothing is known of it, so nothing is changed; the others are looked at all the same.
      room.log.error({ attempt: attempt.value.id, err: error }, "a missing sandbox could not be looked for");
    }
  }
  const forgotten = await forget(room.store, {
    now,
    before: after(now, -room.limits.keptMs),
    op: `forget/${room.ids.unique()}`,
  });
  room.log.info({ live: live.length, sandboxes: sandboxes.length, ended, missing, forgotten }, "reconcile");
}

async function isLeftOver(room: Room, sandbox: Sandbox, now: Instant): Promise<boolean> {
  const id = attemptOfSandbox(sandbox.name);
  const attempt = id === undefined ? undefined : await readAttempt(room.store, now, id);
  if (attempt !== undefined) return attempt.value.endedAt !== undefined;
  return now >= sandbox.startedAt + unknownMs;
}

/** The engine decides what a missing sandbox means; here it is only written down and the task made due. */
async function markMissing(
  room: Room,
  attempt: Kept<Attempt>,
  names: ReadonlySet<string>,
  now: Instant,
): Promise<boolean> {
  const { createdAt, sandbox, seen } = attempt.value;
  if (createdAt === undefined || names.has(sandbox) || seen?.alive === false) return false;
  // A listing may be behind what was made a moment ago.
  if ((await room.sandboxes.find(sandbox)) !== undefined) return false;
  const marked = await markGone(room.store, attempt, { now, op: room.ids.unique() });
  return marked === "marked";
}
