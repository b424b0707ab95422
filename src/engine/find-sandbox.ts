/** Asking the backend about a silent sandbox. Only an answer counts: a backend that cannot be asked says nothing. */
import { attemptPut } from "../records/attempt.ts";
import type { Room } from "./room.ts";
import { attemptOf, eventOf, type Done, type Look } from "./look.ts";

export async function findSandbox(room: Room, look: Look): Promise<Done> {
  const attempt = attemptOf(look);
  const found = await room.sandboxes.find(attempt.sandbox);
  const now = room.clock.now();
  const alive = found !== undefined;
  return {
    // The next look decides on what was seen.
    due: now,
    also: { put: [attemptPut({ ...attempt, seen: { at: now, alive } })] },
    events: [eventOf(look, "warning", "sandbox_silent", alive ? "silent, but it lives" : "the sandbox is gone")],
  };
}
