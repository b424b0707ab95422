import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { Task } from "../core/task.ts";
import { kept, keys, type Kept } from "./document.ts";

/** Undefined where there is no such task. */
export async function readTask(store: Store, now: Instant, id: TaskId): Promise<Kept<Task> | undefined> {
  const [document] = await store.look(now, [{ get: keys.task(id) }]);
  return kept(Task, document);
}
