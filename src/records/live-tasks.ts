/** All tasks that have not ended, and those that ended lately, for whoever looks at the whole and not at one. */
import { after, type Instant } from "../core/instant.ts";
import type { Entry, Store } from "../core/ports/store.ts";
import { isEnded, Task, type EndedTask } from "../core/task.ts";
import { allKept, indexes, sortKey } from "./document.ts";

/** Tasks may hold long conversations. */
const perLook = 100;

/** The oldest first, in as many looks as it takes. */
export async function liveTasks(store: Store, now: Instant, atMost = Infinity): Promise<Task[]> {
  const found: Task[] = [];
  let last: Entry | undefined;
  do {
    const from = last === undefined ? {} : { after: { sort: last.sort, key: last.key } };
    const [hits] = await store.look(now, [{ range: indexes.live, limit: perLook, ...from }]);
    found.push(...allKept(Task, hits).map(({ value }) => value));
    last = hits.length < perLook ? undefined : hits.at(-1);
  } while (last !== undefined && found.length < atMost);
  return found.slice(0, atMost);
}

/** Rates are known well enough from so many. */
const endedAtMost = 200;

/** Those that ended in this time before now, the newest first. */
export async function endedWithin(store: Store, now: Instant, ms: number): Promise<EndedTask[]> {
  const from = sortKey(after(now, -ms));
  const [hits] = await store.look(now, [{ range: indexes.ended, from, limit: endedAtMost, back: true }]);
  return allKept(Task, hits).flatMap(({ value }) => (isEnded(value) ? [value] : []));
}
