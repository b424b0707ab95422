/** Runs of workflows that nobody told us of: a delivery may be lost for good. */
import { minuteMs } from "../core/instant.ts";
import { hearRuns } from "../records/failures.ts";
import { inRounds } from "./in-rounds.ts";
import type { Room } from "./room.ts";

export async function findMissedRuns(room: Room): Promise<void> {
  const { store, clock, ids, workflows } = room;
  if (workflows === undefined) return;
  await inRounds(room, {
    name: "missed-runs",
    everyMs: 15 * minuteMs,
    async look(from) {
      const missed = await workflows.missed(from);
      for (const heard of missed.runs) await hearRuns(store, ids, { ...heard, now: clock.now() });
      missed.written();
      return missed.next;
    },
  });
}
