/** What must be true of money: at every instant, after every line of the ledger, and against the bills at the end. */
import { expect } from "vitest";
import type { Budgets } from "../../src/core/budget.ts";
import { counters } from "../../src/records/document.ts";
import type { Entry } from "../../src/records/ledger-entry.ts";
import { entriesOf } from "../../src/records/recount.ts";
import { moneyOf } from "../../src/records/spending.ts";
import type { HeldCall } from "./held-model.ts";
import { expectLedger, monthsAround } from "./ledger.ts";
import type { World } from "./world.ts";

/** A call that the model has and that is not answered, by the attempt that asked. */
export interface InFlight {
  readonly attempt: string;
  readonly held: HeldCall;
}

export type MostOf = (scope: string) => number | undefined;

const kinds = ["user", "repository", "installation", "service"] as const;

/** The ceiling of every purse by its name, as the tasks and the budgets stand. */
export async function ceilingsIn(w: World, budgets: Budgets): Promise<MostOf> {
  const tasks = new Map((await w.tasks()).map(({ id, ceiling }) => [`task/${id}`, ceiling]));
  return (scope) => {
    const kind = kinds.find((each) => scope.startsWith(`${each}/`));
    if (kind === undefined) return tasks.get(scope);
    return budgets[kind][/\d{4}-\d\d-\d\d$/.test(scope) ? "day" : "month"];
  };
}

export interface Replay {
  /** Throws where the sums after this line break a rule. */
  add(entry: Entry, mostOf: MostOf): void;
  /** Charged and held, by purse. */
  used(): ReadonlyMap<string, number>;
}

/** Sums made from the ledger's lines alone, which must satisfy the rules after each of them. */
export function openReplay(): Replay {
  const charged = new Map<string, number>();
  const held = new Map<string, number>();
  const open = new Map<string, { readonly line: Entry; left: number; readonly parts: Map<string, number> }>();
  const raise = (sums: Map<string, number>, scope: string, by: number): void =>
    void sums.set(scope, (sums.get(scope) ?? 0) + by);
  const settle = (entry: Entry): void => {
    const slice = open.get(entry.slice);
    if (slice === undefined) throw new Error(`${entry.slice} is settled and not held`);
    slice.left -= entry.amount;
    for (const scope of entry.do === "charge" ? entry.scopes : []) {
      // A purse holds what is left of the slice and not yet charged to it.
      raise(held, scope, -entry.amount);
      raise(slice.parts, scope, entry.amount);
    }
    if (slice.left > 0) return;
    for (const scope of slice.line.scopes) raise(held, scope, (slice.parts.get(scope) ?? 0) - slice.line.amount);
    open.delete(entry.slice);
  };
  return {
    add(entry, mostOf) {
      if (entry.do === "slice") {
        if (open.has(entry.slice)) throw new Error(`${entry.slice} is drawn twice`);
        open.set(entry.slice, { line: entry, left: entry.amount, parts: new Map() });
        for (const scope of entry.scopes) raise(held, scope, entry.amount);
      } else if (entry.do !== "adjustment") settle(entry);
      if (entry.do === "charge") for (const scope of entry.scopes) raise(charged, scope, entry.amount);
      for (const scope of entry.scopes) {
        const [gone, kept] = [charged.get(scope) ?? 0, held.get(scope) ?? 0];
        expect(gone, `${scope}: charged`).toBeGreaterThanOrEqual(0);
        expect(kept, `${scope}: held`).toBeGreaterThanOrEqual(0);
        expect(gone + kept, `${scope}: charged and held after ${entry.do} ${entry.slice}`).toBeLessThanOrEqual(
          mostOf(scope) ?? Infinity,
        );
      }
    },
    used: () =>
      new Map([...charged, ...held].map(([scope]) => [scope, (charged.get(scope) ?? 0) + (held.get(scope) ?? 0)])),
  };
}

/** All lines of the ledger, month by month. */
async function linesOf(w: World): Promise<Entry[]> {
  const lines: Entry[] = [];
  for (const month of monthsAround(w.now()))
    for await (const entry of entriesOf(w.store, w.now(), month)) lines.push(entry);
  return lines;
}

/** All that is kept about money, to see whether something changes. */
export async function moneyState(w: World): Promise<unknown> {
  const lines = await linesOf(w);
  const scopes = [...new Set(lines.flatMap((line) => line.scopes))];
  return { lines, sums: await moneyOf(w.store, w.now(), scopes) };
}

/** True at every instant, whatever happened. Gives all lines. */
export async function expectMoneyRules(
  w: World,
  { budgets, calls }: { budgets: Budgets; calls: readonly InFlight[] },
): Promise<Entry[]> {
  const { open } = await expectLedger(w.store, w.now());
  const lines = await linesOf(w);
  const mostOf = await ceilingsIn(w, budgets);
  const scopes = [...new Set(lines.flatMap((line) => line.scopes))];
  const sums = await moneyOf(w.store, w.now(), scopes);
  for (const [place, scope] of scopes.entries()) {
    const { used, spent } = sums[place] ?? { used: 0, spent: 0 };
    expect(used, `${scope}: used`).toBeLessThanOrEqual(mostOf(scope) ?? Infinity);
    expect(spent, `${scope}: charged, of all that is used`).toBeLessThanOrEqual(used);
  }
  const total = (kind: RegExp): number =>
    scopes.reduce((sum, scope, place) => sum + (kind.test(scope) ? (sums[place]?.spent ?? 0) : 0), 0);
  for (const kind of kinds.filter((each) => each !== "service")) {
    expect(total(new RegExp(`^${kind}/.*/\\d{4}-\\d\\d$`)), `months of each ${kind}`).toBe(total(/^task\//));
  }
  expect(total(/^service\/\d{4}-\d\d$/), "every charge is in a month").toBe(total(/^task\//));
  expect(total(/^service\/\d{4}-\d\d-\d\d$/), "every charge is in a day").toBe(total(/^task\//));
  expectHeld(w, { open, lines, calls });
  return lines;
}

/** What is in flight is held: the whole lifetime of each sandbox that lives, and the worst case of each call under way. */
function expectHeld(
  w: World,
  { open, lines, calls }: { open: ReadonlyMap<string, Entry>; lines: readonly Entry[]; calls: readonly InFlight[] },
): void {
  for (const { name, lifetimeMs } of w.sandboxes.bill().filter(({ lives }) => lives)) {
    const slice = open.get(`${name.slice("parhelia-".length)}/compute/1`);
    expect(slice?.amount ?? 0, `held for the lifetime of ${name}`).toBeGreaterThanOrEqual(priceOf(lifetimeMs));
  }
  for (const attempt of new Set(calls.map((each) => each.attempt))) {
    const ofCall = (slice: string): boolean => slice.startsWith(`${attempt}/model/`) && slice !== `${attempt}/model/0`;
    const held = [...open.values()].filter(({ slice }) => ofCall(slice));
    const worst = lines.filter(({ slice, used }) => ofCall(slice) && used?.worstCase === true);
    const inFlight = calls.filter((each) => each.attempt === attempt).reduce((sum, each) => sum + each.held.mostly, 0);
    const covered = [...held, ...worst].reduce((sum, { amount }) => sum + amount, 0);
    expect(covered, `held for the calls of ${attempt}`).toBeGreaterThanOrEqual(inFlight);
  }
}

/** Of the world: $0.36 an hour, and written apart from the service's own sum. */
const microUsdPerSecond = 100;
export const priceOf = (ms: number): number => Math.ceil((ms / 1000) * microUsdPerSecond);

/** Money by what it was for, from the lines. */
export function chargedFor(lines: readonly Entry[]): { model: number; worst: number; compute: Map<string, number> } {
  const compute = new Map<string, number>();
  let model = 0;
  let worst = 0;
  for (const { do: what, meter, amount, attempt = "", used } of lines) {
    if (what !== "charge") continue;
    if (meter === "model") model += amount;
    if (meter === "model" && used?.worstCase === true) worst += amount;
    if (meter === "compute") compute.set(attempt, (compute.get(attempt) ?? 0) + amount);
  }
  return { model, worst, compute };
}

/** What the counters say of every purse. */
export async function usedNow(w: World, scopes: readonly string[]): Promise<Map<string, number>> {
  const sums = await w.store.look(
    w.now(),
    scopes.map((scope) => ({ counter: counters.used(scope) })),
  );
  return new Map(scopes.map((scope, place) => [scope, sums[place] ?? 0]));
}
