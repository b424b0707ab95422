/** Labels that nobody told us of: whoever put one on waits for an answer. */
import { minuteMs } from "../core/instant.ts";
import { takeIn } from "../records/intake.ts";
import { inRounds } from "./in-rounds.ts";
import type { Room } from "./room.ts";

export async function findMissedLabels(room: Room): Promise<void> {
  const { store, clock, log, labels } = room;
  if (labels === undefined) return;
  await inRounds(room, {
    name: "missed-labels",
    everyMs: 10 * minuteMs,
    async look(from) {
      const { found, next, written } = await labels(from);
      for (const { what, delivery, request } of found) {
        const { place, createdAt: now } = request;
        if (place.kind !== "issue") continue;
        const { installation } = place;
        const outcome = await takeIn(store, { delivery, installation, what, tasks: [], request, now });
        log.info({ what, outcome, at: clock.now() }, "a label was found");
      }
      written();
      return next;
    },
  });
}
