/** Writing down a sandbox whose maker died before it did: that it has spoken is the proof that it was made. */
import { attemptPut } from "../records/attempt.ts";
import { attemptOf, eventOf, type Done, type Look } from "./look.ts";

export function noteSandbox(look: Look): Done {
  const attempt = attemptOf(look);
  return {
    due: look.now,
    // Not before the claim, so that what it is charged is never below the bill.
    also: { put: [attemptPut({ ...attempt, createdAt: attempt.claimedAt })] },
    events: [eventOf(look, "info", "sandbox_created", `sandbox ${attempt.sandbox}, as it says itself`)],
  };
}
