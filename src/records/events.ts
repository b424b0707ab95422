/**
 * Events in four logs: everything of a task with the task, its warnings apart, and one log over all tasks for each
 * level that is listed. A copy for each threshold makes every filter a plain read, with the newest first.
 */
import { Event, reaches, type Level } from "../core/event.ts";
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Json, Store } from "../core/ports/store.ts";
import { logs } from "./document.ts";

/**
 * The appends that keep these events; part of the commit that made them true. What a sandbox tells stays with its task: "task".
 */
export function eventAppends(
  events: readonly Event[],
  listed: "everywhere" | "task" = "everywhere",
): { log: string; values: Json[] }[] {
  const byLog = new Map<string, Json[]>();
  for (const event of events) {
    for (const log of logsOf(event, listed)) {
      const values = byLog.get(log);
      if (values === undefined) byLog.set(log, [event]);
      else values.push(event);
    }
  }
  return [...byLog].map(([log, values]) => ({ log, values }));
}

function* logsOf(event: Event, listed: "everywhere" | "task"): Generator<string> {
  if (event.task !== undefined) {
    yield logs.task(event.task);
    if (reaches(event.level, "warning")) yield logs.taskWarnings(event.task);
  }
  if (listed === "task") return;
  for (const threshold of ["info", "warning", "error"] as const) {
    if (reaches(event.level, threshold)) yield logs.all(threshold);
  }
}

export interface EventFilter {
  readonly task?: TaskId;
  /** A minimum (guide §4.1d). Over all tasks, `debug` is listed as `info`: debug events stay with their task. */
  readonly level: Level;
  readonly limit: number;
  /** Events below this number of the same listing; for the next page. */
  readonly before?: number;
}

/** Newest first. */
export async function listEvents(
  store: Store,
  now: Instant,
  filter: EventFilter,
): Promise<{ number: number; event: Event }[]> {
  const page = { limit: filter.limit, back: true, ...(filter.before === undefined ? {} : { before: filter.before }) };
  const [lines] = await store.look(now, [{ read: logOf(filter), ...page }]);
  const events = lines.flatMap(({ number, value }) => {
    const event = Event.safeParse(value).data;
    return event === undefined ? [] : [{ number, event }];
  });
  return events.filter(({ event }) => reaches(event.level, filter.level));
}

function logOf(filter: EventFilter): string {
  if (filter.task === undefined) return logs.all(filter.level === "debug" ? "info" : filter.level);
  return reaches(filter.level, "warning") ? logs.taskWarnings(filter.task) : logs.task(filter.task);
}
