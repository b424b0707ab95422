/** Ceilings of people, repositories, installations and the service: the tightest holds, and is named. */
import { expect, test } from "vitest";
import { hourMs, minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { logs } from "../../src/records/document.ts";
import { unbounded, world, type World } from "../world/world.ts";

/** An hour's sandbox costs $0.36, and a task of an hour holds a little more. */
const one = usd(0.4);

async function ask(w: World, by: string): Promise<void> {
  const issue = w.github.as("dana").openIssue("acme/widgets", "One more", "It is wrong.");
  await w.comment("/parhelia run fix it", { on: issue, by });
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
    const settled = entries.map(({ value }) => value).find((value) => JSON.stringify(value).includes('"do":"settle"'));
    expect(settled).toMatchObject({
      kind: "compute",
      scopes: expect.arrayContaining([
        "task/t_00000001",
        expect.stringMatching(/^user\/\d+\/2026-11-25$/),
        expect.stringMatching(/^user\/\d+\/2026-11$/),
        "repository/r500001/2026-11-25",
        "day/2026-11-25",
        "month/2026-11",
      ]),
    });
    const { charge, scopes } = settled as unknown as { charge: number; scopes: string[] };
    expect(scopes).toHaveLength(9);
    const sums = await w.store.look(
      w.now(),
      scopes.flatMap((scope) => [{ counter: `used/${scope}` }, { counter: `spent/${scope}/compute` }]),
    );
    expect(new Set(sums)).toEqual(new Set([charge]));
  }));
