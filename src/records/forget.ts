/**
 * What is over for long is taken away, a bounded part at a time: ended tasks with all that belongs to them, old events of
 * the listings over all tasks, the ledgers of months that no account needs any more. Sums of money stay.
 */
import { monthOf } from "../core/budget.ts";
import { attemptId, type TaskId } from "../core/ids.ts";
import { after, dayMs, type Instant } from "../core/instant.ts";
import { Event } from "../core/event.ts";
import type { Put, Store, Trim } from "../core/ports/store.ts";
import { isEnded, Task } from "../core/task.ts";
import { allKept, counters, indexes, keys, logs, sortKey, type Kept } from "./document.ts";
import { moneyCounters } from "./spending.ts";

/** At one time. A service that makes more tasks a minute than this for months has other troubles. */
const tasksAtOnce = 50;
const linesAtOnce = 1000;
/** A year can be accounted for when it is over. */
const ledgerMonths = 14;

export interface Forgotten {
  readonly tasks: number;
  readonly lines: number;
}

/** Takes away what ended before that instant. Several replicas may do it at once. */
export async function forget(
  store: Store,
  { now, before, op }: { now: Instant; before: Instant; op: string },
): Promise<Forgotten> {
  const old = monthOf(after(now, -ledgerMonths * 31 * dayMs));
  const levels = ["info", "warning", "error"] as const;
  const [tasks, ledger, ...heads] = await store.look(now, [
    { range: indexes.tasks, to: sortKey(before), limit: tasksAtOnce },
    { read: logs.ledger(old), limit: 1 },
    ...levels.map((level) => ({ read: logs.all(level), limit: 1 }) as const),
  ]);
  const over = allKept(Task, tasks).filter(({ value }) => isEnded(value) && value.endedAt < before);
  for (const task of over) await forgetTask(store, task, { now, op: `${op}/${task.value.id}` });
  const trims: Trim[] = ledger.length > 0 ? [{ log: logs.ledger(old), below: "everything" }] : [];
  let lines = 0;
  for (const [place, [head]] of heads.entries()) {
    const level = levels[place];
    if (level === undefined || head === undefined || !isOld(head.value, before)) continue;
    const below = await firstToKeep(store, { log: logs.all(level), now, before });
    lines += below - head.number;
    trims.push({ log: logs.all(level), below });
  }
  if (trims.length > 0) await store.commit({ op: `${op}/logs`, now, trim: trims });
  return { tasks: over.length, lines };
}

async function forgetTask(store: Store, task: Kept<Task>, at: { now: Instant; op: string }): Promise<void> {
  const { id, attempts } = task.value;
  const all = Array.from({ length: attempts }, (_, n) => attemptId(id, n + 1));
  const names = [
    ...moneyCounters(id, all),
    ...all.flatMap((attempt) => [counters.seen(attempt), counters.told(attempt), counters.draws(attempt)]),
  ];
  const values = await store.look(
    at.now,
    names.map((counter) => ({ counter })),
  );
  await store.commit({
    ...at,
    // One that somebody has just asked to try again stays; the bounds hold where one of its counters moved.
    versions: [[keys.task(id), task.version]],
    add: names.map((counter, place) => ({ counter, by: -(values[place] ?? 0), min: 0, max: 0 })),
    put: [keys.task(id), keys.due(id), keys.report(id), keys.reportDue(id)]
      .concat(all.flatMap((attempt) => [keys.attempt(attempt), keys.heard(attempt), keys.result(attempt)]))
      .map((key): Put => ({ key, value: undefined })),
    trim: [...logsOf(id), ...all.map(logs.inbox)].map((log): Trim => ({ log, below: "everything" })),
  });
}

const logsOf = (id: TaskId): string[] => [logs.task(id), logs.taskWarnings(id)];

/** The number of the first line that is not old, among the next ones; the last of them where all are. */
async function firstToKeep(
  store: Store,
  { log, now, before }: { log: string; now: Instant; before: Instant },
): Promise<number> {
  const [lines] = await store.look(now, [{ read: log, limit: linesAtOnce }]);
  const kept = lines.find(({ value }) => !isOld(value, before));
  return kept?.number ?? lines.at(-1)?.number ?? 0;
}

/** What cannot be read goes with what stands around it. */
const isOld = (value: unknown, before: Instant): boolean => (Event.safeParse(value).data?.at ?? 0) < before;
