/** A reset takes from a ceiling's sum what was charged, and nothing of what is held; the ledger's lines come to the same. */
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { sharedCeilings, type Budgets } from "../../src/core/budget.ts";
import { Instant } from "../../src/core/instant.ts";
import { microUsd, usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { resetPurses } from "../../src/records/adjust.ts";
import { listEvents } from "../../src/records/events.ts";
import { charged, settle, type Slice } from "../../src/records/ledger.ts";
import { entriesOf } from "../../src/records/recount.ts";
import { moneyOf } from "../../src/records/spending.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { expectLedger } from "../world/ledger.ts";
import { atIssue, hold, spend } from "../world/spend.ts";

const now = Instant.parse(Date.parse("2026-11-25T08:00:00Z"));
const origin = atIssue(10, "dana");
const allowed = { day: usd(20), month: usd(50) };
const budgets: Budgets = { user: allowed, repository: allowed, installation: allowed, service: allowed };
const purses = sharedCeilings(origin, budgets, now).filter(({ kind }) => kind === "service");

function open(): Store {
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  return store;
}

const sums = (store: Store) =>
  moneyOf(
    store,
    now,
    purses.map(({ scope }) => scope),
  );

test("what is charged makes room, what is held stays, what was spent is still known", async () => {
  const store = open();
  await spend(store, { at: now, amount: usd(3), origin });
  await hold(store, { at: now, amount: usd(2), origin, meter: "compute" });
  const done = await resetPurses(store, purses, { because: "dana gave room", now, op: "one" });
  expect(done.map(({ was, is }) => [was, is])).toEqual([
    [usd(5), usd(2)],
    [usd(5), usd(2)],
  ]);
  for (const sum of await sums(store)) expect(sum).toMatchObject({ used: usd(2), spent: usd(3) });
  await expectLedger(store, now);
  const lines = [];
  for await (const entry of entriesOf(store, now, "2026-11")) if (entry.do === "adjustment") lines.push(entry);
  expect(lines).toEqual([
    expect.objectContaining({ amount: -3_000_000, scopes: ["service/2026-11-25"], because: "dana gave room" }),
    expect.objectContaining({ amount: -3_000_000, scopes: ["service/2026-11"] }),
  ]);
  expect(await listEvents(store, now, { level: "warning", limit: 10 })).toMatchObject([
    { event: { type: "budget_reset", message: "dana gave room" } },
  ]);
});

test("a second reset, also one at the same time, takes nothing twice", async () => {
  const store = open();
  await spend(store, { at: now, amount: usd(3), origin });
  await hold(store, { at: now, amount: usd(4), origin });
  await Promise.all(["a", "b", "c"].map((op) => resetPurses(store, purses, { because: "room", now, op })));
  for (const sum of await sums(store)) expect(sum.used).toBe(usd(4));
  await spend(store, { at: now, amount: usd(1), origin });
  for (const sum of await sums(store)) expect(sum.used).toBe(usd(5));
  await resetPurses(store, purses, { because: "room", now, op: "d" });
  for (const sum of await sums(store)) expect(sum).toMatchObject({ used: usd(4), spent: usd(4) });
  await expectLedger(store, now);
});

type Act = { readonly do: "hold" | "settle" | "reset"; readonly amount: number };
/** What stands together is done at one time. */
const acts = fc.array(
  fc.array(
    fc.record<Act>({ do: fc.constantFrom("hold", "settle", "reset"), amount: fc.integer({ min: 1, max: 1000 }) }),
    { minLength: 1, maxLength: 4 },
  ),
  { maxLength: 10 },
);

test("whatever is drawn, charged and reset at one time: never less than what is held, and the lines come to the sums", async () => {
  await fc.assert(
    fc.asyncProperty(acts, async (all) => {
      const store = openSqliteStore({ path: ":memory:" });
      try {
        const held: Slice[] = [];
        const act = async ({ do: what, amount }: Act, op: string): Promise<void> => {
          if (what === "hold") held.push(await hold(store, { at: now, amount: microUsd(amount), origin }));
          if (what === "reset") await resetPurses(store, purses, { because: "room", now, op });
          const slice = what === "settle" ? held.shift() : undefined;
          if (slice !== undefined) await settle(store, slice, charged(microUsd(amount), now), now);
        };
        for (const [place, some] of all.entries())
          await Promise.all(some.map((each, of) => act(each, `reset-${place}-${of}`)));
        await resetPurses(store, purses, { because: "room", now, op: "last" });
        const still = held.reduce((sum, { amount }) => sum + amount, 0);
        for (const { used } of await sums(store)) expect(used).toBe(still);
        await expectLedger(store, now);
      } finally {
        await store.close();
      }
    }),
    { numRuns: 60 },
  );
});
