import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { Task, type Place } from "../core/task.ts";
import { indexes, kept, type Kept } from "./document.ts";

/** The newest task of an issue or a directory: what `/parhelia cancel` means without an id. */
export async function latestTask(store: Store, now: Instant, place: Place): Promise<Kept<Task> | undefined> {
  const [hits] = await store.look(now, [{ range: indexes.place(place), limit: 1, back: true }]);
  return kept(Task, hits[0]?.document);
}
