/**
 * The complaint that this was built against: 25 containers that nobody ended ran for 11 hours and cost $140. Here the
 * service dies with 25 sandboxes at work and is away for as long. Each ends by its own lifetime, so that what was reserved
 * at the start is the most that they can have cost.
 */
import { expect, test } from "vitest";
import { hourMs, minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { monthMoney } from "../../src/records/spending.ts";
import { expectLedger } from "../world/ledger.ts";
import { unbounded, world, type World } from "../world/world.ts";

const count = 25;
/** $140 for 25 containers and 11 hours. */
const microUsdPerHour = usd(0.509);
const awayMs = 11 * hourMs;
const limits = { maxSandboxes: count, microUsdPerHour, budgets: unbounded };

async function ask(w: World, tasks: number): Promise<void> {
  for (let n = 0; n < tasks; n += 1) {
    const issue = w.github.as("dana").openIssue("acme/widgets", `Number ${n}`, "It is wrong.");
    w.github.as("dana").comment("acme/widgets", issue, "/parhelia run -- make");
  }
  await w.deliver();
  await w.dispatch();
  expect(w.sandboxes.living()).toHaveLength(tasks);
}

const speak = async (w: World): Promise<void> => {
  for (const name of w.sandboxes.living()) await w.inside(name).says();
  await w.dispatch();
};

/** Of the backend, in micro-dollars; apart from the service's own sum on purpose. */
const billOf = (w: World): number =>
  w.sandboxes.bill().reduce((sum, { ms }) => sum + Math.ceil((ms * 509_000) / 3_600_000), 0);

/** The service dies, and another comes 11 hours later. */
async function away(w: World): Promise<{ reserved: number }> {
  const { used: reserved } = await monthMoney(w.store, w.now());
  w.life.end();
  w.jump(awayMs);
  expect(w.sandboxes.living(), "living when nobody has ended them").toEqual([]);
  await w.restart();
  return { reserved };
}

test("25 forgotten sandboxes cost what was reserved for them, and not $140", () =>
  world(
    async (w) => {
      await ask(w, count);
      await speak(w);
      await w.pass(2 * minuteMs);
      const { reserved } = await away(w);
      const bill = billOf(w);
      expect(bill).toBeLessThanOrEqual(reserved);
      expect((count * awayMs * microUsdPerHour) / hourMs).toBeGreaterThan(usd(139));
      await w.pass(minuteMs);
      expect((await w.tasks()).map(({ state }) => state)).toEqual(Array.from({ length: count }, () => "timed-out"));
      const { spent, used } = await monthMoney(w.store, w.now());
      expect(spent).toBeGreaterThanOrEqual(bill);
      expect(spent).toBeLessThanOrEqual(reserved);
      expect(used, "nothing is reserved any more").toBe(spent);
      await expectLedger(w.store, w.now());
      // 64 minutes each.
      expect(spent).toBe(13_573_350);
    },
    { limits },
  ));

test("those that had not spoken yet are lost, and their tasks are tried again with the money that is there", () =>
  world(
    async (w) => {
      await ask(w, 8);
      const { reserved } = await away(w);
      const bill = billOf(w);
      await w.dispatch();
      const { spent } = await monthMoney(w.store, w.now());
      expect(spent).toBeGreaterThanOrEqual(bill);
      expect(spent).toBeLessThanOrEqual(reserved);
      // Of the $6 of the day $4.34 are gone: three more sandboxes of $0.54.
      expect(w.sandboxes.living()).toHaveLength(3);
      const states = (await w.tasks()).map(({ state }) => state);
      expect(states.filter((state) => state === "waiting")).toHaveLength(8 - 3);
      // What those do not need lets the others start.
      for (let turn = 0; turn < 25; turn += 1) {
        await speak(w);
        for (const name of w.sandboxes.living()) await w.inside(name).ends();
        await w.pass(55 * secondMs);
      }
      expect((await w.tasks()).map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(
        Array.from({ length: 8 }, () => "succeeded 2"),
      );
      const { used } = await monthMoney(w.store, w.now());
      expect(used).toBeGreaterThanOrEqual(billOf(w));
      expect(used).toBeLessThanOrEqual(usd(6));
      await expectLedger(w.store, w.now());
    },
    { limits: { ...limits, budgets: { ...unbounded, user: { day: usd(6), month: undefined } } } },
  ));

/** A service dies when the backend has made its sandbox and before it hears of that; another comes so much later. */
async function expectHiddenSandboxPaid(ms: number): Promise<void> {
  let nth = 0;
  await world(async (w) => {
    await w.comment("/parhelia run -- make");
    await w.dispatch();
    nth = w.life.calls.indexOf("sandbox create") + 1;
    await w.comment("/parhelia cancel");
    await w.pass(minuteMs);
  });
  await world(
    async (w) => {
      await w.comment("/parhelia run -- make");
      await w.dispatch();
      expect(w.life.isOver).toBe(true);
      w.jump(ms);
      await w.restart();
      await w.comment("/parhelia cancel");
      await w.pass(minuteMs);
      expect(w.sandboxes.living()).toEqual([]);
      const bill = w.sandboxes.bill().reduce((sum, each) => sum + each.ms / 10, 0);
      expect((await monthMoney(w.store, w.now())).spent).toBeGreaterThanOrEqual(bill);
    },
    { death: { nth, when: "after" } },
  );
}

const hidden = "a sandbox that was made in the moment in which the service died is paid for";

test(`${hidden}, where the next one comes soon`, () => expectHiddenSandboxPaid(3 * minuteMs));

test.each([20 * minuteMs, awayMs])(`${hidden}, where the next one comes %i ms later`, expectHiddenSandboxPaid);
