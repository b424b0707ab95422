/**
 * Money is held before it can be spent. A slice is held against every ceiling at once; a charge settles it, and what was
 * not needed is released. What is used (held plus charged) is one counter a purse, bounded by the ceiling in the very commit
 * that raises it, so parallel draws cannot overshoot. A charge belongs to the instant that earned it: a slice that may
 * outlive the day is held in both days, and each is charged its own part.
 */
import { z } from "zod";
import { AttemptId, taskOfAttempt } from "../core/ids.ts";
import { earliest, Instant } from "../core/instant.ts";
import { isIn, type Ceiling } from "../core/budget.ts";
import { MicroUsd, minus, plus } from "../core/money.ts";
import type { FailedCondition, Put, Store } from "../core/ports/store.ts";
import { counters, indexes, kept, keys, sortKey } from "./document.ts";
import { aboutSlice, entryAppends, Meter, Payer, type Entry, type Used } from "./ledger-entry.ts";
import { join, type Effects } from "./task-put.ts";

export const Slice = z.object({
  /** `<attempt>/<meter>/<number>`. */
  id: z.string(),
  kind: Meter,
  attempt: AttemptId,
  payer: Payer.optional(),
  amount: MicroUsd,
  drawnAt: Instant,
  /** The last instant that its charge can belong to. */
  until: Instant.optional(),
  /** The purses that it is held in. */
  scopes: z.array(z.string()),
});
export type Slice = z.output<typeof Slice>;

/** The slice of an attempt's sandbox, and the one that holds its first model call until that comes. */
export const computeSliceId = (attempt: AttemptId): string => `${attempt}/compute/1`;
export const openingSliceId = (attempt: AttemptId): string => `${attempt}/model/0`;

/** A purse that did not hold enough. */
export interface ScopeUse {
  readonly ceiling: Ceiling & { readonly most: MicroUsd };
  readonly used: MicroUsd;
}

export const attemptScope = (attempt: AttemptId): string => `attempt/${attempt}`;

/** Slices of one attempt; no attempt makes so many model calls. */
const drawsAtMost = 1_000_000;

/**
 * Ends the drawing for an attempt of which `drawn` slices are known. A slice drawn meanwhile refuses the commit, so none is
 * left behind; one drawn afterwards is refused itself.
 */
export const closeDraws = (attempt: AttemptId, drawn: number): Effects["add"][number] => {
  const counter = counters.draws(attempt);
  return { counter, by: drawsAtMost, max: drawn + drawsAtMost };
};

export type Draw = Omit<Slice, "scopes">;

/** Effects on money, to be joined with others. */
export type MoneyEffects = Pick<Effects, "add" | "put" | "append">;

/** The effects and bounds of holding a slice; a refused counter names the ceiling that stood in the way. */
export function drawEffects(draw: Draw, ceilings: readonly Ceiling[]): MoneyEffects {
  const scopes = ceilings.map(({ scope }) => scope);
  const slice: Slice = { ...draw, scopes };
  const { amount, attempt, drawnAt: at } = slice;
  return {
    add: [
      { counter: counters.draws(attempt), by: 1, max: drawsAtMost },
      ...ceilings.map(({ scope, most }) => ({
        counter: counters.used(scope),
        by: amount,
        ...(most === undefined ? {} : { max: most }),
      })),
    ],
    put: [{ key: keys.slice(slice.id), value: slice, entries: [[indexes.slices(attempt), sortKey(at)]] }],
    append: entryAppends([{ do: "slice", ...aboutSlice(slice, taskOfAttempt(attempt)), at, amount, scopes }]),
  };
}

export type Drawn =
  | { readonly ok: true; readonly slice: Slice }
  /** The attempt has ended. */
  | { readonly ok: false; readonly because: "closed" }
  /** What was to be given up is gone. */
  | { readonly ok: false; readonly because: "taken" }
  /** The ceilings that stood in the way, the one that leaves least first. */
  | { readonly ok: false; readonly because: "short"; readonly short: readonly ScopeUse[] };

/**
 * Drawing a slice again under the same id changes nothing. `instead` is a slice that is given up in the same commit: what
 * was held for a first call becomes that call.
 */
export async function draw(
  store: Store,
  draw: Draw,
  { ceilings, instead }: { ceilings: readonly Ceiling[]; instead?: Slice | undefined },
): Promise<Drawn> {
  const slice: Slice = { ...draw, scopes: ceilings.map(({ scope }) => scope) };
  const result = await store.commit({
    op: instead === undefined ? `draw/${slice.id}` : `draw/${slice.id}/instead`,
    now: slice.drawnAt,
    versions: [[keys.slice(slice.id), 0], ...(instead === undefined ? [] : [[keys.slice(instead.id), 1] as const])],
    // The release goes first: the bounds are judged on what is left then.
    ...join(
      instead === undefined ? {} : settleEffects(instead, charged(noCharge, slice.drawnAt)),
      drawEffects(draw, ceilings),
    ),
  });
  if (result.ok) return { ok: true, slice };
  const { failed } = result;
  const names = new Set(failed.map(({ name }) => name));
  if (names.has(keys.slice(slice.id))) return { ok: true, slice };
  if (names.has(counters.draws(slice.attempt))) return { ok: false, because: "closed" };
  if (instead !== undefined && names.has(keys.slice(instead.id))) return { ok: false, because: "taken" };
  return { ok: false, because: "short", short: shortScopes(failed, ceilings) };
}

/** The ceilings among failed conditions, the one that leaves least first. */
export function shortScopes(failed: readonly FailedCondition[], ceilings: readonly Ceiling[]): ScopeUse[] {
  const used = new Map(failed.flatMap(({ kind, name, is }) => (kind === "counter" ? [[name, is]] : [])));
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

/** What is charged, by the instants that earned it. */
export interface Charge {
  readonly parts: readonly { readonly at: Instant; readonly amount: MicroUsd }[];
  readonly used?: Used;
}

const noCharge = MicroUsd.parse(0);

/** All of it at one instant. */
export const charged = (amount: MicroUsd, at: Instant, used?: Used): Charge => ({
  parts: [{ at, amount }],
  ...(used === undefined ? {} : { used }),
});

const sumOf = (parts: Charge["parts"]): MicroUsd => plus(...parts.map(({ amount }) => amount));

/**
 * The effects of charging what a slice was held for, once: the caller's commit holds the slice's version or its attempt's
 * turn. A charge above the slice is kept in full: never below the bill.
 */
export function settleEffects(slice: Slice, charge: Charge): MoneyEffects {
  // What is settled late, as after an outage, or early, by a clock that was set back, still belongs to the time in which it
  // was held: it is in the sums of no other day.
  const last = slice.until ?? slice.drawnAt;
  const within = (at: Instant): Instant => Instant.parse(Math.max(slice.drawnAt, earliest(at, last)));
  const parts = charge.parts.map(({ at, amount }) => ({ at: within(at), amount }));
  const total = sumOf(parts);
  const gone: Put = { key: keys.slice(slice.id), value: undefined };
  const about = aboutSlice(slice, taskOfAttempt(slice.attempt));
  const { used } = charge;
  const charges = parts.map(({ at, amount }): Entry => ({
    do: "charge",
    ...about,
    at,
    amount,
    scopes: slice.scopes.filter((scope) => isIn(scope, at)),
    ...(used === undefined ? {} : { used }),
  }));
  const rest = minus(slice.amount, total);
  const at = parts.at(-1)?.at ?? last;
  const release: Entry[] =
    rest === 0
      ? []
      : [{ do: "release", ...about, at, amount: rest, scopes: slice.scopes.filter((each) => isIn(each, at)) }];
  const spent = (scope: string, by: number) => ({ counter: counters.spent(scope, slice.kind), by });
  return {
    add: [
      ...slice.scopes.flatMap((scope) => {
        const share = sumOf(parts.filter((part) => isIn(scope, part.at)));
        return [{ counter: counters.used(scope), by: share - slice.amount, min: 0 }, spent(scope, share)];
      }),
      spent(attemptScope(slice.attempt), total),
    ],
    put: [gone],
    append: entryAppends([...charges, ...release]),
  };
}

/** The condition that a slice is held still: it is written once, never changed, and gone with its charge. */
export const sliceAsHeld = ({ id }: Slice): readonly [key: string, version: number] => [keys.slice(id), 1];

/** Settling a slice that is settled already changes nothing. */
export async function settle(store: Store, slice: Slice, charge: Charge, now: Instant): Promise<void> {
  const result = await store.commit({
    op: `settle/${slice.id}`,
    now,
    versions: [sliceAsHeld(slice)],
    ...settleEffects(slice, charge),
  });
  if (!result.ok && !result.failed.every((each) => each.kind === "version")) {
    throw new Error(`The charge for ${slice.id} was refused: ${JSON.stringify(result.failed)}`);
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
