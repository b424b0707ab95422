/** Money under parallel draws, repeated settlements and attempts that end in the middle: never over a ceiling, nothing held afterwards. */
import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { Attempt } from "../../src/core/attempt.ts";
import { serviceMonth, type Ceiling } from "../../src/core/budget.ts";
import { attemptId, sandboxName, TaskId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import { microUsd, usd, type MicroUsd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { endAttemptEffects } from "../../src/records/attempt.ts";
import { attemptMoney, charged, draw, settle, type Draw, type Slice } from "../../src/records/ledger.ts";
import { monthMoney, taskMoney, usedOf } from "../../src/records/spending.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { expectLedger } from "../world/ledger.ts";

const now = Instant.parse(Date.parse("2026-11-25T08:00:00Z"));
const task = TaskId.parse("t_7k2m9x4q");
const attempt = attemptId(task, 1);

function open(): Store {
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  return store;
}

const slice = (id: string, amount: MicroUsd, kind: Draw["kind"] = "model"): Draw => ({
  id,
  kind,
  attempt,
  amount,
  drawnAt: now,
});

const sliceOf = (id: string, amount: MicroUsd): Slice => ({
  ...slice(id, amount),
  scopes: ceilings.map(({ scope }) => scope),
});

const service: Ceiling = {
  scope: serviceMonth(now),
  kind: "service",
  of: "this service",
  period: "this month",
  most: usd(8),
};
const ceilings: readonly Ceiling[] = [
  { scope: `task/${task}`, kind: "task", of: "this task", period: "", most: usd(5) },
  service,
];

test("of two draws on the last money exactly one is given, and the other names the ceiling", async () => {
  const store = open();
  const drawn = await Promise.all(["a", "b"].map((id) => draw(store, slice(id, usd(3)), { ceilings })));
  expect(drawn.filter((each) => each.ok)).toHaveLength(1);
  expect(drawn.find((each) => !each.ok)).toEqual({
    ok: false,
    because: "short",
    short: [{ ceiling: ceilings[0], used: usd(3) }],
  });
  // Of $5 and of $8: the tightest leaves $2.
  expect(await usedOf(store, now, ceilings)).toEqual([usd(3), usd(3)]);
});

test("drawing and settling again under one id changes nothing", async () => {
  const store = open();
  await draw(store, slice("a", usd(3)), { ceilings });
  await draw(store, slice("a", usd(3)), { ceilings });
  expect((await taskMoney(store, now, task)).used).toBe(usd(3));
  for (let time = 0; time < 3; time += 1) await settle(store, sliceOf("a", usd(3)), charged(usd(1), now), now);
  expect(await taskMoney(store, now, task)).toEqual({ spent: usd(1), model: usd(1), compute: 0, used: usd(1) });
});

test("a clock that was set back over the end of a month takes no charge out of all months", async () => {
  const store = open();
  const drawnAt = Instant.parse(Date.parse("2026-12-01T00:01:00Z"));
  const before = Instant.parse(Date.parse("2026-11-30T23:59:00Z"));
  const month: Ceiling = { ...service, scope: serviceMonth(drawnAt) };
  const drawn = await draw(store, { ...slice("a", usd(3)), drawnAt }, { ceilings: [month] });
  if (drawn.ok) await settle(store, drawn.slice, charged(usd(1), before), before);
  expect(await monthMoney(store, drawnAt)).toMatchObject({ spent: usd(1), used: usd(1) });
  expect((await expectLedger(store, drawnAt)).open.size).toBe(0);
});

const ending: Attempt = {
  id: attempt,
  task,
  sandbox: sandboxName(attempt),
  claimedAt: now,
  microUsdPerHour: usd(1),
};

let ends = 0;

async function end(store: Store): Promise<boolean> {
  const {
    model: _,
    given: versions,
    ...effects
  } = await endAttemptEffects(store, ending, {
    outcome: "succeeded",
    because: "",
    compute: charged(usd(0.5), now),
    now,
  });
  const add = (effects.add ?? []).filter((each) => each.counter !== "running");
  const result = await store.commit({ op: `end/${(ends += 1)}`, now, versions, ...effects, add });
  return result.ok;
}

test("the end of an attempt charges what nobody settled in full, compute by its time, and closes the drawing", async () => {
  const store = open();
  await draw(store, slice("compute", usd(1), "compute"), { ceilings });
  await draw(store, slice("a", usd(0.3)), { ceilings });
  expect(await end(store)).toBe(true);
  expect(await taskMoney(store, now, task)).toEqual({
    spent: usd(0.8),
    model: usd(0.3),
    compute: usd(0.5),
    used: usd(0.8),
  });
  expect((await attemptMoney(store, now, attempt)).held).toEqual([]);
  expect((await draw(store, slice("late", usd(0.1)), { ceilings })).ok).toBe(false);
});

test("a call that began while the end was looked up refuses the end, which then takes it with it", async () => {
  const store = open();
  await draw(store, slice("compute", usd(1), "compute"), { ceilings });
  const before = await endAttemptEffects(store, ending, {
    outcome: "succeeded",
    because: "",
    compute: charged(usd(0.5), now),
    now,
  });
  await draw(store, slice("late", usd(0.3)), { ceilings });
  const { model: _, ...effects } = before;
  const refused = await store.commit({ op: "end", now, ...effects });
  expect(refused).toMatchObject({ ok: false });
  expect(await end(store)).toBe(true);
  expect((await taskMoney(store, now, task)).spent).toBe(usd(0.8));
});

test("a call that was settled while the end was looked up refuses the end, and is charged once", async () => {
  const store = open();
  await draw(store, slice("compute", usd(1), "compute"), { ceilings });
  const drawn = await draw(store, slice("a", usd(0.3)), { ceilings });
  const {
    given,
    model: _,
    ...effects
  } = await endAttemptEffects(store, ending, {
    outcome: "succeeded",
    because: "",
    compute: charged(usd(0.5), now),
    now,
  });
  if (drawn.ok) await settle(store, drawn.slice, charged(usd(0.1), now), now);
  expect(await store.commit({ op: "end", now, versions: given, ...effects })).toMatchObject({ ok: false });
  expect(await end(store)).toBe(true);
  expect(await taskMoney(store, now, task)).toMatchObject({ model: usd(0.1), compute: usd(0.5), used: usd(0.6) });
});

const step = fc.record({
  do: fc.constantFrom("draw", "settle"),
  id: fc.constantFrom("a", "b", "c", "d"),
  amount: fc.integer({ min: 0, max: 3_000_000 }),
});

test("in any order of draws and settlements: used is what is held and charged, never over a ceiling by drawing", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const store = openSqliteStore({ path: ":memory:" });
      try {
        const held = new Map<string, number>();
        const settled = new Set<string>();
        let total = 0;
        for (const { do: what, id, amount } of steps) {
          if (what === "draw") {
            // An id is drawn once in real life; a second draw of it after its end would be another call.
            if (settled.has(id)) continue;
            const given = await draw(store, slice(id, microUsd(amount)), { ceilings });
            const sum = [...held.values()].reduce((all, each) => all + each, total);
            if (held.has(id)) expect(given.ok).toBe(true);
            else expect(given.ok).toBe(sum + amount <= usd(5));
            if (given.ok && !held.has(id)) held.set(id, amount);
          } else if (held.has(id)) {
            const charge = Math.min(amount, held.get(id) ?? 0);
            await settle(store, sliceOf(id, microUsd(held.get(id) ?? 0)), charged(microUsd(charge), now), now);
            held.delete(id);
            settled.add(id);
            total += charge;
          }
        }
        const used = [...held.values()].reduce((all, each) => all + each, total);
        expect(await taskMoney(store, now, task)).toMatchObject({ spent: total, used });
        expect(await monthMoney(store, now)).toEqual({ spent: total, model: total, compute: 0, used });
      } finally {
        await store.close();
      }
    }),
    { numRuns: 60 },
  );
});
