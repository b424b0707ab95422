/** Writing down a sandbox whose maker died before it did: that it has spoken is the proof that it was made. */
import { attemptPut } from "../records/attempt.ts";
import { machineFound } from "../core/moves.ts";
import { attemptOf, eventOf, type Done, type Look } from "./look.ts";

export function noteSandbox(look: Look): Done {
  const { task, now } = look;
  const attempt = attemptOf(look);
  // The last time that it was known not to be there, so that what it is charged is never below the bill.
  const createdAt = attempt.waitedAt ?? attempt.claimedAt;
  const gpu = task.state === "waiting" ? task.machine?.gpu : undefined;
  const noted = { ...attempt, ...(gpu === undefined ? {} : { gpu }), createdAt };
  return {
    ...(task.state === "waiting" ? { to: machineFound(task, attempt.id, now) } : {}),
    due: now,
    also: { put: [attemptPut(noted)] },
    events: [eventOf(look, "info", "sandbox_created", `sandbox ${attempt.sandbox}, as it says itself`)],
  };
}
