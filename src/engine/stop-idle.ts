/** Telling an idle agent's runner to stop the work and hand over what was changed, through the inbox as a cancel does. */
import { idleWords } from "../core/idle.ts";
import { toldToStop } from "../core/moves.ts";
import { logs } from "../records/document.ts";
import { inboxTopic } from "../records/inbox.ts";
import { eventOf, type Done, type Look } from "./look.ts";

export function stopIdle(look: Look): Done {
  const { task, now } = look;
  if (task.state !== "running") return { due: now };
  return {
    to: toldToStop(task, now),
    due: now,
    also: {
      append: [{ log: logs.inbox(task.attempt), values: [{ kind: "cancel", because: idleWords }] }],
      wake: [inboxTopic(task.attempt)],
    },
    events: [eventOf(look, "warning", "task_idle", idleWords)],
  };
}
