/** The steps that touch nothing but the task itself. */
import { ended, queuedForSlot } from "../core/moves.ts";
import type { Finding } from "../core/task.ts";
import { eventOf, type Done, type Look } from "./look.ts";

export const requeue = (look: Look): Done => ({
  to: queuedForSlot(look.task, look.now),
  due: null,
  events: [eventOf(look, "info", "task_queued", "waits for a slot again")],
});

export function finish(look: Look, finding: Finding): Done {
  const level = finding.verdict === "succeeded" || finding.verdict === "cancelled" ? "info" : "warning";
  return {
    to: ended(look.task, { finding, now: look.now }),
    due: null,
    events: [eventOf(look, level, `task_${finding.verdict.replace("-", "_")}`, finding.because)],
  };
}
