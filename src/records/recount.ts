/** The ledger counted from its first line: what every sum must be. Where a counter says otherwise, one of the two is wrong. */
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { counters, logs } from "./document.ts";
import { Entry } from "./ledger-entry.ts";

export interface Recount {
  readonly lines: number;
  /** Slices that are drawn and not settled, by id. */
  readonly open: ReadonlyMap<string, Entry>;
  /** Ids of slices that were drawn or settled more than once, or settled and never drawn. */
  readonly broken: readonly string[];
  /** Counters that differ from the lines. */
  readonly wrong: readonly { readonly counter: string; readonly is: number; readonly shouldBe: number }[];
}

const pageLines = 1000;
const countersAtOnce = 500;

/** Of these months (`2026-11`), which must hold everything that is counted: from a task's first month to its last. */
export async function recount(store: Store, now: Instant, months: readonly string[]): Promise<Recount> {
  const sums = new Map<string, number>();
  const add = (counter: string, by: number): void => void sums.set(counter, (sums.get(counter) ?? 0) + by);
  const drawn = new Map<string, Entry>();
  const settled = new Set<string>();
  const broken: string[] = [];
  let lines = 0;
  for (const month of months) {
    for await (const entry of entriesOf(store, now, month)) {
      lines += 1;
      if (entry.do === "slice") {
        if (drawn.has(entry.slice)) broken.push(entry.slice);
        drawn.set(entry.slice, entry);
      }
      if (entry.do === "charge") settled.add(entry.slice);
      if (entry.do === "slice" || entry.do === "release") continue;
      for (const scope of entry.scopes) {
        add(counters.used(scope), entry.amount);
        if (entry.meter !== undefined) add(counters.spent(scope, entry.meter), entry.amount);
      }
    }
  }
  const open = new Map([...drawn].filter(([id]) => !settled.has(id)));
  for (const { scopes, amount } of open.values()) for (const scope of scopes) add(counters.used(scope), amount);
  broken.push(...[...settled].filter((id) => !drawn.has(id)));
  return { lines, open, broken, wrong: await differing(store, now, [...sums]) };
}

/** The lines of one month, oldest first. */
export async function* entriesOf(store: Store, now: Instant, month: string): AsyncGenerator<Entry> {
  for (let after = 0; ;) {
    const [page] = await store.look(now, [{ read: logs.ledger(month), after, limit: pageLines }]);
    for (const { value } of page) {
      const entry = Entry.safeParse(value).data;
      if (entry !== undefined) yield entry;
    }
    const last = page.at(-1);
    if (last === undefined || page.length < pageLines) return;
    after = last.number;
  }
}

async function differing(store: Store, now: Instant, sums: readonly [string, number][]): Promise<Recount["wrong"]> {
  const wrong: Recount["wrong"][number][] = [];
  for (let at = 0; at < sums.length; at += countersAtOnce) {
    const some = sums.slice(at, at + countersAtOnce);
    const are = await store.look(
      now,
      some.map(([counter]) => ({ counter })),
    );
    for (const [place, [counter, shouldBe]] of some.entries()) {
      const is = are[place] ?? 0;
      if (is !== shouldBe) wrong.push({ counter, is, shouldBe });
    }
  }
  return wrong;
}
