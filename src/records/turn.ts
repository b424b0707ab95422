/**
 * A turn: the right to take steps of a task. Held by a lease, so that two engines never act on one task at once; given back
 * in the commit that writes what happened, or kept by it where the next step follows at once. Each commit also answers what
 * that next step has to know.
 */
import type { Facts } from "../core/next-step.ts";
import { attemptId, type AttemptId, type TaskId } from "../core/ids.ts";
import { after, secondMs, type Instant } from "../core/instant.ts";
import type { Event } from "../core/event.ts";
import type { Answers, FailedCondition, Put, Store } from "../core/ports/store.ts";
import { attemptIn, isWaitingForMachine, Task } from "../core/task.ts";
import { kept, keys, type Kept } from "./document.ts";
import { dueIn, type Due, type DueAsk } from "./due.ts";
import { eventAppends } from "./events.ts";
import { inboxTopic } from "./inbox.ts";
import { releaseLease, underLease, type Lease, type LeaseAsk } from "./lease.ts";
import { termQueries, termsIn, type Terms } from "./start-facts.ts";
import { factQueries, factsIn, readFacts } from "./read-facts.ts";
import { duePut, join, reportDuePut, taskEffects, workIn, type Effects } from "./task-put.ts";

export interface Turn {
  readonly task: Kept<Task>;
  readonly dueVersion: number;
  readonly lease: Lease;
  /** Of the attempt that the task is in, as of the same moment. */
  readonly facts: Facts;
  readonly terms: Terms;
}

/** Undefined where another holder has the task, or it is gone. */
export async function takeTurn(store: Store, ask: LeaseAsk & { task: TaskId }): Promise<Turn | undefined> {
  const { task, now } = ask;
  // Most tasks have one attempt; the facts of a later one are read once more.
  const attempt = attemptId(task, 1);
  return underLease(store, ask, {
    name: keys.task(task),
    asked: turnQueries(task, attempt),
    read: (lease, answers) => turnIn(store, answers, { lease, attempt, now }),
  });
}

const turnQueries = (task: TaskId, attempt: AttemptId) =>
  [{ get: keys.task(task) }, { get: keys.due(task) }, ...termQueries(task), ...factQueries(attempt)] as const;

async function turnIn(
  store: Store,
  [task, due, halt, budgets, used, ...facts]: Answers<ReturnType<typeof turnQueries>>,
  { lease, attempt, now }: { lease: Lease; attempt: AttemptId; now: Instant },
): Promise<Turn | undefined> {
  const found = kept(Task, task);
  if (found === undefined) return undefined;
  const dueVersion = due?.version ?? 0;
  const id = attemptIn(found.value);
  const turn = { task: found, dueVersion, lease, terms: termsIn([halt, budgets, used]) };
  if (id === undefined) return { ...turn, facts: {} };
  return { ...turn, facts: id === attempt ? factsIn(facts) : await readFacts(store, now, id) };
}

export interface Move {
  /** The task as it is from now on; absent where only the time of the next look changes. */
  readonly to?: Task | undefined;
  readonly due: Instant | null;
  /** Where only silence is waited for: each word of the sandbox puts that look off, up to then. */
  readonly putOffUpTo?: Instant | undefined;
  readonly events?: readonly Event[];
  readonly also?: Partial<Effects>;
  /** Documents that must still stand as the decision found them. */
  readonly given?: readonly (readonly [key: string, version: number])[];
  readonly now: Instant;
  readonly op: string;
}

/** What becomes of the right with the commit. */
export interface After {
  /** `keep`: for so long, because the next step follows at once. */
  readonly lease: "release" | { readonly keepMs: number };
  /** Whoever asks what is due does it too: nobody else is woken for it. */
  readonly due: DueAsk;
}

/**
 * How a step ended. "superseded": the task changed meanwhile (a cancel, a retry) and nothing of the move was written;
 * "refused": a counter's bound stood in the way, likewise. `turn` is the turn as it stands then, where it is still held.
 */
export type TurnEnd =
  | {
      readonly done: "written" | "superseded";
      readonly turn: Turn | undefined;
      readonly due: Due | undefined;
    }
  | { readonly done: "refused"; readonly failed: readonly FailedCondition[] };

const nothingAsked: DueAsk = { queries: [], maxSandboxes: 0 };

/**
 * Writes what a step did. Where something happened during the step, as a word of the runner, the time that it asked for
 * stands instead of the move's own.
 */
export async function endTurn(
  store: Store,
  turn: Turn,
  move: Move,
  next: After = { lease: "release", due: nothingAsked },
): Promise<TurnEnd> {
  const { task, lease } = turn;
  const from = task.value;
  const to = move.to ?? from;
  const attempt = attemptIn(to) ?? attemptId(from.id, 1);
  const act = next.lease === "release" ? { act: next.lease } : { act: "renew" as const, ttlMs: next.lease.keepMs };
  const committed = await store.commit(
    {
      op: move.op,
      now: move.now,
      leases: [{ ...lease, ...act }],
      versions: [
        ...(move.given ?? []),
        ...(move.to === undefined ? [] : [[keys.task(from.id), task.version] as const]),
      ],
      ...effectsOf(turn, move, next),
    },
    [...turnQueries(from.id, attempt), ...next.due.queries],
  );
  const failed = committed.ok ? [] : committed.failed;
  const isHeld = committed.ok ? next.lease !== "release" : failed.every(({ kind }) => kind !== "lease");
  if (isHeld && failed.some(({ kind }) => kind === "counter")) return { done: "refused", failed };
  const [taskNow, dueNow, halt, budgets, used, attemptNow, heard, result, ...rest] = committed.answers;
  const now = [taskNow, dueNow, halt, budgets, used, attemptNow, heard, result] as const;
  return {
    done: committed.ok ? "written" : "superseded",
    turn: isHeld ? await turnIn(store, [...now], { lease, attempt, now: move.now }) : undefined,
    due: dueIn(next.due, rest),
  };
}

/** Gives a turn back without a step. */
export const giveBack = (store: Store, { lease }: Turn, at: { now: Instant; op: string }): Promise<void> =>
  releaseLease(store, lease, at);

/** The report of a state that is passed through comes later, if the next state is not there before. */
const passingMs = 2 * secondMs;

function effectsOf({ task, dueVersion }: Turn, move: Move, { lease, due }: After): Effects {
  const from = task.value;
  const effects = join(
    move.to === undefined ? {} : taskEffects(from, move.to, move.now),
    move.also ?? {},
    { append: eventAppends(move.events ?? []) },
    { wake: overWith(from, move.to).map(inboxTopic) },
  );
  const report = reportDuePut(from.id, after(move.now, passingMs));
  const put = (each: Put): Put => (lease !== "release" && each.key === report.key ? report : each);
  return {
    ...effects,
    put: [...effects.put.map(put), { ...duePut(from.id, move.due, move.putOffUpTo), if: { version: dueVersion } }],
    wake: due.queries.length === 0 ? effects.wake : effects.wake.filter((topic) => workIn(topic) === undefined),
  };
}

/** The attempt that ends with this move: its runner is told. */
function overWith(from: Task, to: Task | undefined): AttemptId[] {
  const isOn = (task: Task) => task.state === "starting" || task.state === "running" || isWaitingForMachine(task);
  const attempt = attemptIn(from);
  return to === undefined || attempt === undefined || !isOn(from) || isOn(to) ? [] : [attempt];
}
