/** Ceilings of people, repositories, installations and the service: the tightest holds, and is named. */
import { expect, test } from "vitest";
import { AttemptId } from "../../src/core/ids.ts";
import { hourMs, minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { pricesAsOf } from "../../src/core/pricing.ts";
import { counters, logs } from "../../src/records/document.ts";
import { Entry } from "../../src/records/ledger-entry.ts";
import { ledgerPurse } from "../../src/gateway/ledger-purse.ts";
import { attemptMoney } from "../../src/records/ledger.ts";
import { expectLedger } from "../world/ledger.ts";
import { unbounded, world, type World } from "../world/world.ts";

/** An hour's sandbox costs $0.36, and a task of an hour holds a little more. */
const one = usd(0.4);

async function ask(w: World, by: string): Promise<void> {
  const issue = w.github.as("dana").openIssue("acme/widgets", "One more", "It is wrong.");
  await w.comment("/parhelia run -- make", { on: issue, by });
  await w.dispatch();
}

const states = async (w: World) => (await w.tasks()).map((task) => task.state);

async function endAll(w: World): Promise<void> {
  for (const task of await w.tasks()) {
    if (task.state !== "starting" && task.state !== "running") continue;
    await w.inside(task.id).says();
    await w.inside(task.id).ends();
  }
  await w.pass(minuteMs);
}

test("of two tasks on a person's last money of the day one starts; the other waits, says whose, and starts when it is there", () =>
  world(
    async (w) => {
      w.github.person("olly", { role: "write" });
      await ask(w, "dana");
      await ask(w, "dana");
      await ask(w, "olly");
      expect(await states(w)).toEqual(["starting", "waiting", "starting"]);
      const [, second] = await w.tasks();
      expect(second).toMatchObject({
        for: "money",
        because: expect.stringMatching(
          /^budget: \$0\.38 of \$0\.40 of dana today used or reserved; new money on 2026-11-26 \(UTC\) at the latest$/,
        ),
      });
      // The first gives back what it did not need.
      await endAll(w);
      await w.pass(11 * minuteMs);
      expect(await states(w)).toEqual(["succeeded", "starting", "succeeded"]);
      await endAll(w);
    },
    { limits: { budgets: { ...unbounded, user: { day: one, month: undefined } } } },
  ));

test("a new day brings new money", () =>
  world(
    async (w) => {
      await ask(w, "dana");
      await w.inside().says();
      // It runs for most of what it holds, so that nothing is left today.
      await w.pass(59 * minuteMs);
      await w.inside().ends();
      await w.pass(minuteMs);
      await ask(w, "dana");
      await w.pass(hourMs);
      expect(await states(w)).toEqual(["succeeded", "waiting"]);
      w.jump(16 * hourMs);
      await w.dispatch();
      expect(await states(w)).toEqual(["succeeded", "starting"]);
      await endAll(w);
    },
    { limits: { budgets: { ...unbounded, repository: { day: one, month: undefined } } } },
  ));

test.each([
  ["acme/widgets this month", { ...unbounded, repository: { day: undefined, month: usd(0.3) } }],
  ["this installation today", { ...unbounded, installation: { day: usd(0.3), month: undefined } }],
  ["this service this month", { ...unbounded, service: { day: undefined, month: usd(0.3) } }],
  [
    "dana this month",
    { ...unbounded, user: { day: undefined, month: usd(0.2) }, service: { day: usd(0.3), month: undefined } },
  ],
])("the tightest is named: %s", (whose, budgets) =>
  world(
    async (w) => {
      await ask(w, "dana");
      expect((await w.tasks())[0]).toMatchObject({
        for: "money",
        because: expect.stringContaining(`of ${whose} used`),
      });
      await w.comment("/parhelia cancel t_00000001");
      await w.pass(30 * secondMs);
    },
    { limits: { budgets } },
  ),
);

test("every charge is in the sums of all its purses, and the ledger counts up to each", () =>
  world(async (w) => {
    await ask(w, "dana");
    await w.inside().says();
    await w.pass(10 * minuteMs);
    await w.inside().ends();
    await w.pass(minuteMs);
    const [entries] = await w.store.look(w.now(), [{ read: logs.ledger("2026-11"), limit: 100 }]);
    const lines = entries.map(({ value }) => Entry.parse(value));
    const charge = lines.find((each) => each.do === "charge" && each.meter === "compute");
    expect(charge).toMatchObject({
      slice: "t_00000001-1/compute/1",
      payer: { user: expect.any(Number), repository: "r500001", installation: expect.any(Number) },
      prices: pricesAsOf,
      used: { ms: expect.any(Number) },
    });
    expect(charge?.scopes).toEqual([
      "task/t_00000001",
      expect.stringMatching(/^user\/\d+\/2026-11-25$/),
      expect.stringMatching(/^user\/\d+\/2026-11$/),
      "repository/r500001/2026-11-25",
      "repository/r500001/2026-11",
      expect.stringMatching(/^installation\/\d+\/2026-11-25$/),
      expect.stringMatching(/^installation\/\d+\/2026-11$/),
      "service/2026-11-25",
      "service/2026-11",
    ]);
    const { open } = await expectLedger(w.store, w.now());
    expect([...open.keys()]).toEqual([]);
    const sums = await w.store.look(
      w.now(),
      (charge?.scopes ?? []).map((scope) => ({ counter: counters.used(scope) })),
    );
    expect(new Set(sums)).toEqual(new Set([charge?.amount]));
  }));

test("what goes over midnight is held in both days, and each is charged its own part", () =>
  world(async (w) => {
    // 08:00 at first; 23:30 now.
    w.jump(15 * hourMs + 30 * minuteMs);
    await ask(w, "dana");
    await w.inside().says();
    const used = (day: string) =>
      w.store.look(w.now(), [{ counter: counters.used(`service/${day}`) }]).then(([sum]) => sum);
    expect(await used("2026-11-25")).toBe(await used("2026-11-26"));
    await w.pass(50 * minuteMs);
    await w.inside().ends();
    await w.pass(minuteMs);
    // $0.36 an hour: thirty minutes of the first day, twenty of the second and what its end took.
    expect(await used("2026-11-25")).toBe(180_000);
    expect(await used("2026-11-26")).toBeGreaterThanOrEqual(120_000);
    expect(await used("2026-11-26")).toBeLessThan(123_000);
    await expectLedger(w.store, w.now());
  }));

test("with an agent's sandbox its first call is held; the first call takes that over, and what is not needed comes back", () =>
  world(async (w) => {
    await w.comment("/parhelia run --model claude-opus-5-5 fix it");
    await w.dispatch();
    await w.inside().says();
    const attempt = AttemptId.parse("t_00000001-1");
    const held = async (): Promise<readonly string[]> =>
      (await attemptMoney(w.store, w.now(), attempt)).held.map(({ id, amount }) => `${id} ${amount}`).toSorted();
    // 20,000 tokens written to the cache for an hour and 2,000 of an answer ($0.20), and a tenth more for the dearest place.
    const first = 220_000;
    expect(await held()).toEqual(["t_00000001-1/compute/1 384000", `t_00000001-1/model/0 ${first}`]);
    const purse = ledgerPurse({ store: w.store, clock: w, budgets: unbounded });
    const account = await purse.open(attempt);
    const one = await account?.reserve(`${attempt}/model/a`, usd(1));
    // A call that was let in at the same moment finds the first call's money taken.
    const other = await account?.reserve(`${attempt}/model/b`, usd(2));
    expect(await held()).toEqual([
      "t_00000001-1/compute/1 384000",
      "t_00000001-1/model/a 1000000",
      "t_00000001-1/model/b 2000000",
    ]);
    const third = await account?.reserve(`${attempt}/model/c`, usd(2));
    expect(third).toEqual({
      ok: false,
      because: "$3.38 of $5.00 of this task are spent or reserved.",
      left: usd(5) - 384_000 - usd(3),
    });
    const cost = { amount: usd(0.5), model: "claude-opus-5-5", isWorstCase: false };
    for (const each of [one, other]) if (each?.ok === true) await each.hold.charge(cost);
    await w.inside().ends();
    await w.pass(minuteMs);
    expect((await expectLedger(w.store, w.now())).open.size).toBe(0);
    expect(await purse.open(attempt)).toBeUndefined();
    expect(await account?.reserve(`${attempt}/model/d`, usd(1))).toMatchObject({ because: "The attempt has ended." });
  }));

test("a task whose budget covers its sandbox and little more starts, and holds that little", () =>
  world(async (w) => {
    await w.comment("/parhelia run --budget $0.39 fix it");
    await w.dispatch();
    const { held } = await attemptMoney(w.store, w.now(), AttemptId.parse("t_00000001-1"));
    expect(held.map(({ kind, amount }) => `${kind} ${amount}`).toSorted()).toEqual(["compute 384000", "model 6000"]);
    await w.comment("/parhelia cancel");
    await w.pass(minuteMs);
  }));
