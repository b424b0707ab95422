/**
 * Money. A slice is held against every ceiling before it can be spent; a charge settles it. What is used (held plus
 * charged) is one counter a scope, bounded by the ceiling in the very commit that raises it, so parallel draws cannot
 * overshoot. A slice belongs to the day and the month in which it was drawn.
 */
import { z } from "zod";
import { AttemptId, type TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import { monthOf, serviceMonth, type Ceiling } from "../core/budget.ts";
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
  /** The purses that it is held in. */
  scopes: z.array(z.string()),
});
export type Slice = z.output<typeof Slice>;

/** A purse that did not hold enough. */
export interface ScopeUse {
  readonly ceiling: Ceiling & { readonly most: MicroUsd };
  readonly used: MicroUsd;
}

const taskScope = (task: TaskId): string => `task/${task}`;
const attemptScope = (attempt: AttemptId): string => `attempt/${attempt}`;

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

export type Draw = Omit<Slice, "scopes">;

/** The effects and bounds of holding a slice; a refused counter names the ceiling that stood in the way. */
export function drawEffects(draw: Draw, ceilings: readonly Ceiling[]): Pick<Effects, "add" | "put" | "append"> {
  const slice: Slice = { ...draw, scopes: ceilings.map(({ scope }) => scope) };
  return {
    add: [
      { counter: counters.draws(slice.attempt), by: 1, max: drawsAtMost },
      ...ceilings.map(({ scope, most }) => ({
        counter: counters.used(scope),
        by: slice.amount,
        ...(most === undefined ? {} : { max: most }),
      })),
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
export async function draw(store: Store, slice: Draw, ceilings: readonly Ceiling[]): Promise<Drawn> {
  const result = await store.commit({
    op: `draw/${slice.id}`,
    now: slice.drawnAt,
    versions: [[keys.slice(slice.id), 0]],
    ...drawEffects(slice, ceilings),
  });
  if (result.ok || result.failed.some((each) => each.kind === "version")) return { ok: true };
  return { ok: false, short: shortScopes(result.failed, ceilings) };
}

/** The ceilings among failed conditions, the one that leaves least first. */
export function shortScopes(
  failed: readonly { kind: string; name: string; is: number | string }[],
  ceilings: readonly Ceiling[],
): ScopeUse[] {
  const used = new Map(failed.flatMap(({ kind, name, is }) => (kind === "counter" ? [[name, Number(is)]] : [])));
  return ceilings
    .flatMap((ceiling): ScopeUse[] => {
      const is = used.get(counters.used(ceiling.scope));
      const { most } = ceiling;
      return is === undefined || most === undefined
        ? []
        : [{ ceiling: { ...ceiling, most }, used: MicroUsd.parse(is) }];
    })
    .toSorted((one, other) => one.ceiling.most - one.used - (other.ceiling.most - other.used));
}

/** The effects of charging what a slice was held for. A charge above the slice is kept in full: never below the bill. */
export function settleEffects(slice: Slice, charge: MicroUsd, now: Instant): Pick<Effects, "add" | "put" | "append"> {
  const by = charge - slice.amount;
  const gone: Put = { key: keys.slice(slice.id), value: undefined };
  return {
    add: [
      ...slice.scopes.map((scope) => ({ counter: counters.used(scope), by, min: 0 })),
      ...[...slice.scopes, attemptScope(slice.attempt)].map((scope) => ({
        counter: counters.spent(scope, slice.kind),
        by: charge,
      })),
    ],
    put: [gone],
    append: [
      {
        log: logs.ledger(monthOf(now)),
        values: [{ do: "settle", ...slice, charge, at: now }],
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
export const monthMoney = (store: Store, now: Instant): Promise<ScopeMoney> =>
  scopeMoney(store, now, serviceMonth(now));

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

/** What is used of each, in their order. */
export async function usedOf(store: Store, now: Instant, ceilings: readonly Ceiling[]): Promise<MicroUsd[]> {
  const used = await store.look(
    now,
    ceilings.map(({ scope }) => ({ counter: counters.used(scope) })),
  );
  return used.map((each) => MicroUsd.parse(each));
}

/** What the tightest ceiling leaves; nothing where none bounds it. */
export async function moneyLeft(store: Store, now: Instant, ceilings: readonly Ceiling[]): Promise<MicroUsd> {
  const used = await usedOf(store, now, ceilings);
  const lefts = ceilings.flatMap(({ most }, place) =>
    most === undefined ? [] : [minus(most, used[place] ?? noMoney)],
  );
  return lefts.reduce((least, each) => (each < least ? each : least), lefts[0] ?? noMoney);
}
