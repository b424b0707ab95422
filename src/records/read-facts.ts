import { Attempt, Heard } from "../core/attempt.ts";
import type { AttemptId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Facts } from "../core/next-step.ts";
import type { Answers, Store } from "../core/ports/store.ts";
import { kept, keys } from "./document.ts";
import { sealedIn } from "./result.ts";

export const factQueries = (id: AttemptId) =>
  [{ get: keys.attempt(id) }, { get: keys.heard(id) }, { get: keys.result(id) }] as const;

type FactAnswers = Answers<ReturnType<typeof factQueries>>;

export const factsIn = ([attempt, heard, result]: FactAnswers): Facts => ({
  attempt: kept(Attempt, attempt)?.value,
  heard: kept(Heard, heard)?.value,
  result: sealedIn(result),
});

/** What is known of the attempt that a task is in, as of one moment. */
export const readFacts = async (store: Store, now: Instant, id: AttemptId): Promise<Facts> =>
  factsIn(await store.look(now, factQueries(id)));
