/** Admission: the asker may, the backend can, and the base is pinned. Nothing is asked of GitHub before this. */
import { admitted } from "../core/moves.ts";
import { Refusal } from "../core/refusal.ts";
import { notPermitted, permits } from "../core/role.ts";
import { repositoryName, type Task } from "../core/task.ts";
import type { Room } from "./room.ts";
import { eventOf, type Done, type Look } from "./look.ts";

/** The right that starting work needs. */
const needed = "write";

export async function admit(room: Room, look: Look): Promise<Done> {
  const { task } = look;
  await mayStart(room, task);
  room.sandboxes.accept(task.spec.resources);
  // A retry starts from the base that it had.
  const base = task.base ?? (await room.forge.pin(task));
  const now = room.clock.now();
  return {
    to: admitted(task, base, now),
    due: null,
    events: [eventOf(look, "info", "task_admitted", `starts from ${base.sha.slice(0, 7)} (${base.ref})`)],
  };
}

/** Asked at admission and again when a slot is free: rights may be taken away while a task waits. */
export async function mayStart(room: Room, task: Task): Promise<void> {
  const { place, actor } = task.origin;
  const held = await room.forge.authority(place, actor);
  if (permits(held, needed)) return;
  throw new Refusal(notPermitted({ what: "run", needs: needed, held, where: repositoryName(place) }));
}
