/**
 * What a runner tells: numbered events, kept exactly once. A counter holds the last number kept; a push is accepted only
 * where it goes on from there, so a repeated, late or overlapping push adds nothing twice.
 */
import type { z } from "zod";
import { Attempt, Heard } from "../core/attempt.ts";
import { doingWords } from "../core/doing.ts";
import type { Event } from "../core/event.ts";
import { taskOfAttempt, type AttemptId, type TaskId } from "../core/ids.ts";
import { after, earliest, type Instant } from "../core/instant.ts";
import { microUsd } from "../core/money.ts";
import { patience } from "../core/next-step.ts";
import type { Answers, Commit, Put, Store } from "../core/ports/store.ts";
import type { InboxMessage, RunnerEvent } from "../core/protocol.ts";
import { counters, kept, keys, type Kept } from "./document.ts";
import { eventAppends } from "./events.ts";
import { inboxQuery, messagesIn } from "./inbox.ts";
import { duePut, hint, join, TaskDue, taskTopic, type Effects } from "./task-put.ts";

/** The report shows this many of an agent's last actions. */
const doingAtMost = 6;

/** Of one attempt. Beyond it only what the report shows is brought up to date: a sandbox must not fill the service's disk. */
const toldAtMostBytes = 32 * 1024 * 1024;

/** What is known of an attempt, as of one moment. */
export interface Known {
  readonly attempt: Kept<Attempt>;
  /** The number of the last event kept. */
  readonly seen: number;
  /** Bytes of events kept. */
  readonly told: number;
  readonly heard: Heard | undefined;
  readonly due: Kept<z.output<typeof TaskDue>> | undefined;
  /** Behind this message of its inbox it was looked for more. */
  readonly after: number;
  readonly messages: InboxMessage[];
}

const knownQueries = (attempt: AttemptId, after: number) =>
  [
    { get: keys.attempt(attempt) },
    { counter: counters.seen(attempt) },
    { counter: counters.told(attempt) },
    { get: keys.heard(attempt) },
    { get: keys.due(taskOfAttempt(attempt)) },
    inboxQuery(attempt, after),
  ] as const;

/** Undefined where there is no such attempt. */
function knownIn(answers: Answers<ReturnType<typeof knownQueries>>, after: number): Known | undefined {
  const [attempt, seen, told, heard, due, lines] = answers;
  const found = kept(Attempt, attempt);
  if (found === undefined) return undefined;
  return {
    attempt: found,
    seen,
    told,
    after,
    heard: kept(Heard, heard)?.value,
    due: kept(TaskDue, due),
    messages: messagesIn(lines),
  };
}

export const readKnown = async (
  store: Store,
  now: Instant,
  { attempt, after }: { attempt: AttemptId; after: number },
): Promise<Known | undefined> => knownIn(await store.look(now, knownQueries(attempt, after)), after);

export interface Push {
  readonly attempt: AttemptId;
  /** As of some moment: what became old meanwhile is read again. */
  readonly known: Known;
  readonly events: readonly RunnerEvent[];
  readonly now: Instant;
  readonly op: string;
}

/**
 * The number of the last event kept, which is what is acknowledged, and what is known now; "ended" where the attempt is over
 * and nothing was kept. What is known is a condition of the commit, so knowing too little costs a call and never an event.
 */
export async function hear(store: Store, push: Push): Promise<{ last: number; known: Known } | "ended"> {
  const { attempt, now } = push;
  const { after } = push.known;
  let known: Known | undefined = push.known;
  let isFresh = false;
  for (let round = 1; ; round += 1) {
    if (known === undefined || known.attempt.value.endedAt !== undefined) return "ended";
    const fresh = goesOn(known, push.events);
    if (fresh !== undefined) {
      const commit = { op: `${push.op}/${round}`, now, ...news(push, known, fresh) };
      const kept = await store.commit(commit, knownQueries(attempt, after));
      const next = knownIn(kept.answers, after);
      if (kept.ok && next !== undefined) return { last: next.seen, known: next };
      known = next;
    } else if (isFresh) {
      // Nothing new, or a gap: what we have is the answer, and the runner sends what follows it.
      return { last: known.seen, known };
    } else known = await readKnown(store, now, { attempt, after });
    isFresh = true;
  }
}

/** Those that are new, where they go on from what is known. */
function goesOn({ seen }: Known, events: readonly RunnerEvent[]): readonly RunnerEvent[] | undefined {
  const fresh = events.filter((event) => event.n > seen);
  const last = fresh.at(-1)?.n;
  return last === undefined || last !== seen + fresh.length ? undefined : fresh;
}

function news({ attempt, now }: Push, known: Known, fresh: readonly RunnerEvent[]): Effects & Pick<Commit, "versions"> {
  const task = taskOfAttempt(attempt);
  const events = fresh.filter(isWorthKeeping).map((event) => toEvent(event, attempt, now));
  const bytes = JSON.stringify(events).length;
  const isFull = known.told + bytes > toldAtMostBytes;
  const last = known.seen + fresh.length;
  const told: Partial<Effects> = {
    add: [
      { counter: counters.seen(attempt), by: fresh.length, min: last, max: last },
      { counter: counters.told(attempt), by: isFull ? 0 : bytes },
    ],
    put: [{ key: keys.heard(attempt), value: fold(known.heard, fresh, now) }],
    append: isFull ? [] : eventAppends(events, "task"),
    wake: [taskTopic(task)],
  };
  return {
    versions: [[keys.attempt(attempt), known.attempt.version]],
    // The first word changes what is next for the task; later ones only put off what silence would bring about.
    ...join(told, known.heard === undefined ? hint(task, now) : { put: putOff(task, known, now) }),
  };
}

/** Not where somebody asked for another time meanwhile. */
function putOff(task: TaskId, { due }: Known, now: Instant): Put[] {
  if (due?.value.putOffUpTo === undefined) return [];
  const { putOffUpTo: limit } = due.value;
  const until = earliest(after(now, patience.silenceMs), limit);
  return [{ ...duePut(task, until, limit), if: { version: due.version } }];
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
  const busy = events.some(isWorthKeeping) ? { busyAt: now } : {};
  return events.reduce<Heard>(foldOne, { ...start, lastAt: now, ...busy });
}

function foldOne(heard: Heard, event: RunnerEvent): Heard {
  switch (event.type) {
    case "cards":
      // What is said of them later is not the runner's word.
      return { ...heard, cards: heard.cards ?? event.cards };
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
