/**
 * What a runner tells: numbered events, kept exactly once. A counter holds the last number kept; a push is accepted only
 * where it goes on from there, so a repeated, late or overlapping push adds nothing twice.
 */
import { Heard } from "../core/attempt.ts";
import { doingWords } from "../core/doing.ts";
import type { Event } from "../core/event.ts";
import { taskOfAttempt, type AttemptId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { microUsd } from "../core/money.ts";
import type { Store } from "../core/ports/store.ts";
import type { RunnerEvent } from "../core/protocol.ts";
import { counters, kept, keys } from "./document.ts";
import { eventAppends } from "./events.ts";
import { dueTopic, duePut, join, taskTopic, type Effects } from "./task-put.ts";

/** The report shows this many of an agent's last actions. */
const doingAtMost = 6;

/** Of one attempt. Beyond it only what the report shows is brought up to date: a sandbox must not fill the service's disk. */
const toldAtMostBytes = 32 * 1024 * 1024;

/** What was heard of an attempt so far. */
export interface Known {
  /** The number of the last event kept. */
  readonly seen: number;
  /** Bytes of events kept. */
  readonly told: number;
  readonly heard: Heard | undefined;
}

export async function readKnown(store: Store, now: Instant, attempt: AttemptId): Promise<Known> {
  const [seen, told, document] = await store.look(now, [
    { counter: counters.seen(attempt) },
    { counter: counters.told(attempt) },
    { get: keys.heard(attempt) },
  ]);
  return { seen, told, heard: kept(Heard, document)?.value };
}

/** The number of the last event kept: what is acknowledged. Where more was heard meanwhile nothing is kept. */
export async function hear(
  store: Store,
  ask: { attempt: AttemptId; known: Known; events: readonly RunnerEvent[]; now: Instant; op: string },
): Promise<number> {
  const { seen, told, heard: before } = ask.known;
  const fresh = ask.events.filter((event) => event.n > seen);
  const last = fresh.at(-1)?.n;
  // Nothing new, or a gap: what we have is the answer, and the runner sends what follows it.
  if (last === undefined || last !== seen + fresh.length) return seen;
  const task = taskOfAttempt(ask.attempt);
  const events = fresh.filter(isWorthKeeping).map((event) => toEvent(event, ask.attempt, ask.now));
  const bytes = JSON.stringify(events).length;
  const isFull = told + bytes > toldAtMostBytes;
  const news: Partial<Effects> = {
    add: [
      { counter: counters.seen(ask.attempt), by: fresh.length, min: last, max: last },
      { counter: counters.told(ask.attempt), by: isFull ? 0 : bytes },
    ],
    put: [{ key: keys.heard(ask.attempt), value: fold(before, fresh, ask.now) }],
    append: isFull ? [] : eventAppends(events, "task"),
    wake: [taskTopic(task)],
  };
  // The first word changes what is next for the task; later ones are only told.
  const first = before === undefined ? { put: [duePut(task, ask.now)], wake: [dueTopic] } : {};
  const result = await store.commit({ op: ask.op, now: ask.now, ...join(news, first) });
  if (result.ok) return last;
  const counter = result.failed.find((each) => each.kind === "counter");
  return typeof counter?.is === "number" ? counter.is : seen;
}

/** A heartbeat says only that the runner lives; that is kept in `Heard`. */
const isWorthKeeping = (event: RunnerEvent): boolean => event.type !== "heartbeat";

/** The time is ours: the sandbox's own clock is kept beside it, untrusted. */
function toEvent(event: RunnerEvent, attempt: AttemptId, now: Instant): Event {
  const { n, at, level, message, type, ...rest } = event;
  const details = { ...rest, n, said_at: at };
  return { at: now, level, type, task: taskOfAttempt(attempt), attempt, message, details };
}

function fold(before: Heard | undefined, events: readonly RunnerEvent[], now: Instant): Heard {
  const start: Heard = before ?? { firstAt: now, lastAt: now, phase: "", doing: [], plan: [] };
  return events.reduce<Heard>(foldOne, { ...start, lastAt: now });
}

function foldOne(heard: Heard, event: RunnerEvent): Heard {
  switch (event.type) {
    case "phase":
      return { ...heard, phase: event.phase };
    case "agent_tool":
      return { ...heard, doing: [...heard.doing, doingWords(event.tool, event.message)].slice(-doingAtMost) };
    case "agent_plan":
      return { ...heard, plan: event.steps };
    case "agent_claim":
      return { ...heard, claimed: microUsd(event.claimedMicroUsd) };
    default:
      return heard;
  }
}
