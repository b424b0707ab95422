import { Attempt, Heard } from "../core/attempt.ts";
import type { AttemptId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Facts } from "../core/next-step.ts";
import type { Store } from "../core/ports/store.ts";
import { kept, keys } from "./document.ts";
import { sealedIn } from "./result.ts";

/** What is known of the attempt that a task is in, as of one moment. */
export async function readFacts(store: Store, now: Instant, id: AttemptId): Promise<Facts> {
  const [attempt, heard, result] = await store.look(now, [
    { get: keys.attempt(id) },
    { get: keys.heard(id) },
    { get: keys.result(id) },
  ]);
  return { attempt: kept(Attempt, attempt)?.value, heard: kept(Heard, heard)?.value, result: sealedIn(result) };
}
