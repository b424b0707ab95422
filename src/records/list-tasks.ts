/** Tasks as people list them: newest first. */
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { Task } from "../core/task.ts";
import { allKept, indexes } from "./document.ts";

/** `live` leaves out those that have ended. */
export async function listTasks(
  store: Store,
  now: Instant,
  ask: { which: "all" | "live"; limit: number },
): Promise<Task[]> {
  const range = ask.which === "live" ? indexes.live : indexes.tasks;
  const [hits] = await store.look(now, [{ range, limit: ask.limit, back: true }]);
  return allKept(Task, hits).map(({ value }) => value);
}
