/**
 * Money. A slice is held against every ceiling before it can be spent; a charge settles it. What is used (held plus
 * charged) is one counter a scope, bounded by the ceiling in the very commit that raises it, so parallel draws cannot
 * overshoot. Scopes: the task, and everything in a month.
 */
import { z } from "zod";
import { AttemptId, taskOfAttempt, type TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import { MicroUsd, minus, noMoney, plus } from "../core/money.ts";
import type { Put, Store } from "../core/ports/store.ts";
import { counters, indexes, kept, keys, logs, sortKey } from "./document.ts";
import type { Effects } from "./task-put.ts";

export const Slice = z.object({
  id: z.string(),
  kind: z.enum(["model", "compute"]),
  attempt: AttemptId,
  amount: MicroUsd,
  drawnAt: Instant,
});
export type Slice = z.output<typeof Slice>;

export interface Ceilings {
  readonly task: MicroUsd;
  /** For everything in a calendar month (UTC). */
  readonly month: MicroUsd;
}

export interface ScopeUse {
  readonly scope: "task" | "month";
  readonly used: MicroUsd;
  readonly ceiling: MicroUsd;
}

export const monthOf = (instant: Instant): string => new Date(instant).toISOString().slice(0, 7);
const taskScope = (task: TaskId): string => `task/${task}`;
const attemptScope = (attempt: AttemptId): string => `attempt/${attempt}`;
const monthScope = (instant: Instant): string => `month/${monthOf(instant)}`;

/** Slices of one attempt; no attempt makes so many model calls. */
const drawsAtMost = 1_000_000;

/**
 * Ends the drawing for an attempt of which `drawn` slices are known. A slice drawn meanwhile refuses the commit, so none is
 * left behind; one drawn afterwards is refused itself.
 */
export const closeDraws = (attempt: AttemptId, drawn: number): Effects["add"][number] => {
  const closed = drawn + 10 * drawsAtMost;
  return { counter: counters.draws(attempt), by: closed - drawn, min: closed, max: closed };
};

/** The effects and bounds of holding a slice; a refused counter names the ceiling that stood in the way. */
export function drawEffects(slice: Slice, ceilings: Ceilings): Pick<Effects, "add" | "put" | "append"> {
  return {
    add: [
      { counter: counters.draws(slice.attempt), by: 1, max: drawsAtMost },
      { counter: counters.used(taskScope(taskOfAttempt(slice.attempt))), by: slice.amount, max: ceilings.task },
      { counter: counters.used(monthScope(slice.drawnAt)), by: slice.amount, max: ceilings.month },
    ],
    put: [
      {
        key: keys.slice(slice.id),
        value: slice,
        entries: [[indexes.slices(slice.attempt), sortKey(slice.drawnAt)]],
      },
    ],
    append: [{ log: logs.ledger(monthOf(slice.drawnAt)), values: [{ do: "draw", ...slice }] }],
  };
}

export type Drawn = { readonly ok: true } | { readonly ok: false; readonly short: readonly ScopeUse[] };

/** Drawing a slice again under the same id changes nothing. */
export async function draw(store: Store, slice: Slice, ceilings: Ceilings): Promise<Drawn> {
  const result = await store.commit({
    op: `draw/${slice.id}`,
    now: slice.drawnAt,
    versions: [[keys.slice(slice.id), 0]],
    ...drawEffects(slice, ceilings),
  });
  if (result.ok || result.failed.some((each) => each.kind === "version")) return { ok: true };
  return { ok: false, short: shortScopes(result.failed, ceilings) };
}

/** The ceilings among failed conditions, with what is used of them. */
export function shortScopes(
  failed: readonly { kind: string; name: string; is: number | string }[],
  ceilings: Ceilings,
): ScopeUse[] {
  return failed.flatMap((each) => {
    if (each.kind !== "counter" || !each.name.startsWith("used/")) return [];
    const scope = each.name.startsWith("used/task/") ? ("task" as const) : ("month" as const);
    return [{ scope, used: MicroUsd.parse(Number(each.is)), ceiling: ceilings[scope] }];
  });
}

/** The effects of charging what a slice was held for. A charge above the slice is kept in full: never below the bill. */
export function settleEffects(slice: Slice, charge: MicroUsd, now: Instant): Pick<Effects, "add" | "put" | "append"> {
  const task = taskScope(taskOfAttempt(slice.attempt));
  const month = monthScope(slice.drawnAt);
  const by = charge - slice.amount;
  const gone: Put = { key: keys.slice(slice.id), value: undefined };
  return {
    add: [
      { counter: counters.used(task), by, min: 0 },
      { counter: counters.used(month), by, min: 0 },
      { counter: counters.spent(task, slice.kind), by: charge },
      { counter: counters.spent(month, slice.kind), by: charge },
      { counter: counters.spent(attemptScope(slice.attempt), slice.kind), by: charge },
    ],
    put: [gone],
    append: [
      {
        log: logs.ledger(monthOf(now)),
        values: [
          { do: "settle", id: slice.id, kind: slice.kind, attempt: slice.attempt, held: slice.amount, charge, at: now },
        ],
      },
    ],
  };
}

/** Settling a slice that is settled already changes nothing. */
export async function settle(store: Store, ask: { id: string; charge: MicroUsd; now: Instant }): Promise<void> {
  const [document] = await store.look(ask.now, [{ get: keys.slice(ask.id) }]);
  const slice = kept(Slice, document);
  if (slice === undefined) return;
  const result = await store.commit({
    op: `settle/${ask.id}`,
    now: ask.now,
    versions: [[keys.slice(ask.id), slice.version]],
    ...settleEffects(slice.value, ask.charge, ask.now),
  });
  if (!result.ok && !result.failed.every((each) => each.kind === "version")) {
    throw new Error(`The charge for ${ask.id} was refused: ${JSON.stringify(result.failed)}`);
  }
}

export interface AttemptMoney {
  /** Still held, oldest first. */
  readonly held: readonly Slice[];
  /** How many slices were ever drawn for it. */
  readonly drawn: number;
  /** Charged for model calls so far. */
  readonly model: MicroUsd;
}

export async function attemptMoney(store: Store, now: Instant, attempt: AttemptId): Promise<AttemptMoney> {
  const [drawn, model, hits] = await store.look(now, [
    { counter: counters.draws(attempt) },
    { counter: counters.spent(attemptScope(attempt), "model") },
    { range: indexes.slices(attempt), limit: 1000 },
  ]);
  return { drawn, model: MicroUsd.parse(model), held: hits.flatMap((hit) => kept(Slice, hit.document)?.value ?? []) };
}

export interface ScopeMoney {
  readonly spent: MicroUsd;
  readonly model: MicroUsd;
  readonly compute: MicroUsd;
  /** Charged and held. */
  readonly used: MicroUsd;
}

export const taskMoney = (store: Store, now: Instant, task: TaskId): Promise<ScopeMoney> =>
  scopeMoney(store, now, taskScope(task));

/** Of the calendar month that `now` is in. */
export const monthMoney = (store: Store, now: Instant): Promise<ScopeMoney> => scopeMoney(store, now, monthScope(now));

async function scopeMoney(store: Store, now: Instant, scope: string): Promise<ScopeMoney> {
  const [model, compute, used] = await store.look(now, [
    { counter: counters.spent(scope, "model") },
    { counter: counters.spent(scope, "compute") },
    { counter: counters.used(scope) },
  ]);
  const parts = { model: MicroUsd.parse(model), compute: MicroUsd.parse(compute), used: MicroUsd.parse(used) };
  return { ...parts, spent: plus(parts.model, parts.compute) };
}

/** Names of all counters that the money of one task is in, and of its attempts; those of months stay. */
export const moneyCounters = (task: TaskId, attempts: readonly AttemptId[]): string[] =>
  [taskScope(task), ...attempts.map(attemptScope)].flatMap((scope) => [
    counters.used(scope),
    counters.spent(scope, "model"),
    counters.spent(scope, "compute"),
  ]);

/** What the tightest ceiling leaves. */
export async function moneyLeft(store: Store, now: Instant, task: TaskId, ceilings: Ceilings): Promise<MicroUsd> {
  const [ofTask, ofMonth] = await store.look(now, [
    { counter: counters.used(taskScope(task)) },
    { counter: counters.used(monthScope(now)) },
  ]);
  const lefts = [minus(ceilings.task, MicroUsd.parse(ofTask)), minus(ceilings.month, MicroUsd.parse(ofMonth))];
  return lefts.reduce((least, each) => (each < least ? each : least), lefts[0] ?? noMoney);
}
