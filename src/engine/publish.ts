/** Publishing what an attempt changed. The forge finds what an earlier try did, so a repeated one adds nothing. */
import { ended } from "../core/moves.ts";
import type { Step } from "../core/next-step.ts";
import { readChanges, readPart, readResult } from "../records/result.ts";
import { readView } from "../records/read-view.ts";
import type { Room } from "./room.ts";
import { eventOf, type Done, type Look } from "./look.ts";

export async function publish(room: Room, look: Look, step: Extract<Step, { do: "publish" }>): Promise<Done> {
  const { task, now } = look;
  const { store } = room;
  if (task.state !== "publishing" || task.base === undefined) throw new Error(`${task.id} is not ready to publish.`);
  const { attempt, base } = task;
  const [result, view, first] = await Promise.all([
    readResult(store, now, attempt),
    readView(store, now, task),
    readPart(store, { now, attempt, number: 1 }),
  ]);
  if (result === undefined) throw new Error(`The result of ${attempt} is not in the store.`);
  const published = await room.forge.publish({
    view,
    base,
    as: step.as,
    changes: () => readChanges(store, { now: room.clock.now(), attempt, parts: result.parts, first }),
  });
  const at = room.clock.now();
  return {
    to: ended(task, { finding: task.finding, published, now: at }),
    due: null,
    events: [eventOf(look, "info", "task_published", `${published.branch} at ${published.sha.slice(0, 7)}`)],
  };
}
