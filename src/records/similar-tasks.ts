/** Ended runs of a repository that are like one that is asked for. */
import type { PastRun } from "../core/estimate.ts";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { isEnded, repositoryKey, Task, type EndedTask, type Place, type Spec } from "../core/task.ts";
import { allKept, indexes } from "./document.ts";
import { moneyOf, taskScope } from "./spending.ts";

/** Of the newest; older ones were of another repository in all but its name. */
const lookedAt = 100;
const used = 50;

/** Newest first. Two looks. */
export async function similarRuns(
  store: Store,
  now: Instant,
  { place, spec }: { place: Place; spec: Spec },
): Promise<PastRun[]> {
  const range = indexes.endedOf(repositoryKey(place));
  const [hits] = await store.look(now, [{ range, limit: lookedAt, back: true }]);
  const similar = allKept(Task, hits)
    .flatMap(({ value }) => (isEnded(value) && isLike(value, spec) ? [value] : []))
    .slice(0, used);
  const money = await moneyOf(
    store,
    now,
    similar.map(({ id }) => taskScope(id)),
  );
  return similar.flatMap((task, at) => {
    const sums = money[at];
    if (sums === undefined || task.startedAt === undefined) return [];
    const { model, compute } = sums;
    return [{ ms: task.endedAt - task.startedAt, model, compute }];
  });
}

/**
 * Nobody stopped it, and it had the same to work with. One that came to the end of its time or money counts with what it
 * took until then: without those, the dearest would be forgotten. A retried one's sums are of several runs.
 */
function isLike(task: EndedTask, spec: Spec): boolean {
  if (task.attempts !== 1 || task.state === "cancelled") return false;
  const { work, resources } = task.spec;
  if (work.kind !== spec.work.kind || resources.gpu !== spec.resources.gpu) return false;
  if (work.kind === "agent" && spec.work.kind === "agent") return work.model === spec.work.model;
  return work.kind === "command" && spec.work.kind === "command" && work.argv[0] === spec.work.argv[0];
}
