/** What happens while the backend is asked for a sandbox and has not answered yet (case 18). */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { readView } from "../../src/records/read-view.ts";
import { monthMoney, taskMoney } from "../../src/records/spending.ts";
import { expectLedger } from "../world/ledger.ts";
import { world, type World } from "../world/world.ts";

const finish = async (w: World): Promise<void> => {
  await w.inside().says();
  await w.dispatch();
  await w.inside().ends();
  await w.pass(30 * secondMs);
};

test("a cancel that comes before the backend answers ends the task and its sandbox (case 18 a)", () =>
  world(async (w) => {
    const make = w.sandboxes.create;
    w.sandboxes.create = async (spec): ReturnType<typeof make> => {
      await w.comment("/parhelia cancel");
      return make(spec);
    };
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.pass(30 * secondMs);
    await w.reconcile();
    expect(w.sandboxes.made).toHaveLength(1);
    expect(w.sandboxes.living()).toEqual([]);
    const task = await w.task();
    expect(task.state).toBe("cancelled");
    // The stand-in made it and was asked to end it at once; it never spoke, and no time has passed.
    expect((await readView(w.store, w.now(), task)).spent).toBe(0);
  }));

test("where the backend made none, a cancel meanwhile costs nothing (case 18 a)", () =>
  world(async (w) => {
    w.sandboxes.create = async (): Promise<never> => {
      await w.comment("/parhelia cancel");
      throw new Error("the call timed out");
    };
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.pass(minuteMs);
    await w.reconcile();
    const task = await w.task();
    expect(task.state).toBe("cancelled");
    expect((await readView(w.store, w.now(), task)).spent).toBe(0);
    expect(w.takeFaults()).toHaveLength(1);
  }));

test("what never gets a sandbox costs nothing, and its end gives back all that was reserved (case 17)", () =>
  world(async (w) => {
    w.sandboxes.fail("create", 1000);
    await w.comment("/parhelia run fix it");
    await w.pass(2 * minuteMs);
    const { id } = await w.task();
    expect((await monthMoney(w.store, w.now())).used, "for a sandbox and a first call").toBeGreaterThan(usd(0.384));
    await w.comment("/parhelia cancel");
    await w.pass(minuteMs);
    expect((await w.task()).state).toBe("cancelled");
    const nothing = { spent: 0, model: 0, compute: 0, used: 0 };
    expect(await taskMoney(w.store, w.now(), id)).toEqual(nothing);
    // Nor does one that is given up after three tries of five minutes.
    await w.comment("/parhelia retry");
    await w.pass(20 * minuteMs);
    expect(await w.task()).toMatchObject({ state: "failed", attempts: 4 });
    expect(await monthMoney(w.store, w.now())).toEqual(nothing);
    expect((await expectLedger(w.store, w.now())).open.size).toBe(0);
    expect(w.sandboxes.made).toEqual([]);
    expect(w.takeFaults().length).toBeGreaterThan(3);
  }));

test.each(["before", "after"] as const)(
  "a service that dies %s the sandbox is made leaves no second one (case 18 b)",
  async (when) => {
    let nth = 0;
    await world(async (w) => {
      await w.comment("/parhelia run fix it");
      await w.dispatch();
      nth = w.life.calls.indexOf("sandbox create") + 1;
      await finish(w);
    });
    await world(
      async (w) => {
        await w.comment("/parhelia run fix it");
        await w.dispatch();
        expect(w.life.calls.at(-1)).toBe("sandbox create");
        expect(w.life.isOver).toBe(true);
        await w.restart();
        await w.reconcile();
        await w.pass(30 * secondMs);
        expect(w.sandboxes.living()).toHaveLength(1);
        expect(w.sandboxes.made).toHaveLength(1);
        await finish(w);
        expect((await w.task()).state).toBe("succeeded");
      },
      { death: { nth, when } },
    );
  },
);

test("a sandbox that the backend makes after our call gave up is the only one (case 18 c)", () =>
  world(async (w) => {
    const make = w.sandboxes.create;
    let late: (() => ReturnType<typeof make>) | undefined;
    w.sandboxes.create = (spec) => {
      if (late !== undefined) return make(spec);
      late = () => make(spec);
      return Promise.reject(new Error("the call timed out"));
    };
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    // The second try, after ten seconds, is what the backend answers first.
    await w.pass(20 * secondMs);
    await late?.();
    await w.reconcile();
    expect(w.sandboxes.living()).toHaveLength(1);
    expect(w.sandboxes.made).toHaveLength(1);
    w.takeFaults();
    await finish(w);
    expect((await w.task()).state).toBe("succeeded");
    await w.pass(minuteMs);
  }));

test("a sandbox that the backend makes for a task that was cancelled meanwhile is ended by its name (case 18 a, c)", () =>
  world(async (w) => {
    const make = w.sandboxes.create;
    let late: (() => ReturnType<typeof make>) | undefined;
    w.sandboxes.create = async (spec) => {
      late = () => make(spec);
      await w.comment("/parhelia cancel");
      throw new Error("the call timed out");
    };
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.pass(20 * secondMs);
    expect((await w.task()).state).toBe("cancelled");
    await late?.();
    expect(w.sandboxes.living()).toHaveLength(1);
    await w.reconcile();
    expect(w.sandboxes.living()).toEqual([]);
    w.takeFaults();
  }));
