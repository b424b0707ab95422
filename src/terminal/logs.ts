/** `parhelia logs`: events as lines, oldest first, each once, and those that come while it is followed. */
import type { Event, Level } from "../core/event.ts";
import { partOf } from "../core/event-parts.ts";
import { secondMs } from "../core/instant.ts";
import { visible } from "../core/markdown.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import { Refusal } from "../core/refusal.ts";
import { isEnded } from "../core/task.ts";
import { listEvents } from "../records/events.ts";
import { readTask } from "../records/read-task.ts";
import type { LogsAsked } from "./logs-words.ts";

export interface LogsWorld {
  readonly store: Store;
  readonly clock: Clock;
  /** Ends the following. */
  readonly stop: AbortSignal;
  say(line: string): void;
}

interface Numbered {
  readonly number: number;
  readonly event: Event;
}

const atOnce = 200;

/** Throws a `Refusal` for a task that is not there. */
export async function showLogs(asked: LogsAsked, world: LogsWorld): Promise<void> {
  const { store, stop, say } = world;
  const isOver = await overOf(asked, world);
  let last = 0;
  const show = (events: readonly Numbered[]): void => {
    for (const { number, event } of events) {
      last = Math.max(last, number);
      say(asked.as === "json" ? JSON.stringify(event) : lineOf(event));
    }
  };
  const first = await newest(asked, world, { wanted: asked.lines, after: 0 });
  // What is not shown of what was there is not news.
  last = first.upTo;
  show(first.events);
  while (asked.follows !== "no" && !stop.aborted) {
    const news = nextNews(store, stop);
    // Before the events are read: what is told at the very end is among them.
    const wasOver = await isOver();
    const { events } = await newest(asked, world, { wanted: Number.POSITIVE_INFINITY, after: last });
    show(events);
    if (wasOver) news.stop();
    await news.arrived;
    if (wasOver) return;
  }
}

/** Whether nothing more will come. */
async function overOf({ whose }: LogsAsked, { store, clock }: LogsWorld): Promise<() => Promise<boolean>> {
  if (whose.of !== "task") return async () => false;
  const read = () => readTask(store, clock.now(), whose.task);
  if ((await read()) === undefined) throw new Refusal(`There is no task ${whose.task}.`);
  return async () => {
    const task = await read();
    return task === undefined || isEnded(task.value);
  };
}

const levelOf = ({ whose }: LogsAsked): Level => (whose.of === "task" ? "debug" : "info");

/** Those behind a number, the newest that are wanted, oldest first; `upTo` is the number of the newest of all. */
async function newest(
  asked: LogsAsked,
  { store, clock }: LogsWorld,
  { wanted, after }: { wanted: number; after: number },
): Promise<{ events: Numbered[]; upTo: number }> {
  const { whose, since = 0 } = asked;
  const fits = (event: Event): boolean => whose.of !== "function" || partOf(event) === whose.name;
  const found: Numbered[] = [];
  let upTo = after;
  let before: number | undefined;
  while (found.length < wanted) {
    const filter = { level: levelOf(asked), limit: atOnce, ...(whose.of === "task" ? { task: whose.task } : {}) };
    const page = await listEvents(store, clock.now(), { ...filter, ...(before === undefined ? {} : { before }) });
    upTo = Math.max(upTo, page[0]?.number ?? 0);
    const fresh = page.filter(({ number, event }) => number > after && event.at >= since);
    found.push(...fresh.filter(({ event }) => fits(event)));
    // The rest is older, or known.
    if (fresh.length < atOnce) break;
    before = page.at(-1)?.number;
  }
  return { events: found.slice(0, wanted).toReversed(), upTo };
}

function lineOf({ at, level, task, message }: Event): string {
  const who = task === undefined ? "" : ` ${task}`;
  return visible(`${new Date(at).toISOString()} ${level.padEnd(7)}${who} ${message}`);
}

/** A wake, a second, or the end. */
function nextNews(store: Store, stop: AbortSignal): { arrived: Promise<void>; stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unlisten = store.onWake(() => resolve());
  const timer = setTimeout(resolve, secondMs);
  const wake = (): void => resolve();
  stop.addEventListener("abort", wake);
  const end = (): void => {
    clearTimeout(timer);
    unlisten();
    stop.removeEventListener("abort", wake);
    resolve();
  };
  return { arrived: promise.then(end), stop: end };
}
