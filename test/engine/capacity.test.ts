/** A sandbox for which no machine is free: the task waits, costs nothing, and its end gives back all that was held (case 17). */
import { expect, test } from "vitest";
import { hourMs, minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { readAttempt } from "../../src/records/attempt.ts";
import { listEvents } from "../../src/records/events.ts";
import { readView } from "../../src/records/read-view.ts";
import { monthMoney, taskMoney } from "../../src/records/spending.ts";
import { attemptId } from "../../src/core/ids.ts";
import { headline } from "../../src/core/headline.ts";
import { computePerHour } from "../../src/core/compute-prices.ts";
import { expectLedger } from "../world/ledger.ts";
import { world, type World } from "../world/world.ts";

const nothing = { spent: 0, model: 0, compute: 0, used: 0 };

const line = async (w: World): Promise<string> => headline(await readView(w.store, w.now(), await w.task())).text;

const expectNothingHeld = async (w: World): Promise<void> => {
  expect(await monthMoney(w.store, w.now())).toEqual(nothing);
  expect((await expectLedger(w.store, w.now())).open.size).toBe(0);
  expect(w.sandboxes.waiting()).toEqual([]);
  expect(w.sandboxes.made).toEqual([]);
};

test("what waits for a GPU says so, costs nothing, and ends after its time with what can be asked for (case 17)", () =>
  world(async (w) => {
    w.sandboxes.cards("H200:8", "taken");
    await w.comment("/parhelia run --gpu H200:8 --budget $100 train it");
    await w.pass(minuteMs);
    const { id } = await w.task();
    expect(await w.task()).toMatchObject({ state: "waiting", for: "capacity", attempts: 1, attempt: attemptId(id, 1) });
    expect(await line(w)).toBe(
      "Waiting for GPU H200:8 · since 08:00 UTC, at most until 08:30 UTC · nothing is charged yet",
    );
    expect(w.said().at(-1)).toContain("Waiting for GPU H200:8");
    expect(w.said().at(-1)).toContain(
      "No GPU H200:8 is free at the moment; if that stays so, it is given up at 08:30 UTC.",
    );
    expect((await taskMoney(w.store, w.now(), id)).used).toBeGreaterThan(usd(36));
    expect((await taskMoney(w.store, w.now(), id)).spent).toBe(0);
    await w.reconcile();
    expect(w.sandboxes.waiting()).toHaveLength(1);
    await w.pass(28 * minuteMs);
    expect((await w.task()).state).toBe("waiting");
    await w.pass(minuteMs + 20 * secondMs);
    const task = await w.task();
    expect(task).toMatchObject({ state: "failed", attempts: 1 });
    expect("finding" in task ? task.finding.because : "").toMatchInlineSnapshot(
      `"no GPU H200:8 was free in 30m. Try again later, or ask for another type or fewer of them. There are T4, L4, A10, L40S, A100, A100-40GB, A100-80GB, RTX-PRO-6000, H100, H200, B200; \`--gpu H100,A100\` takes the first that is free."`,
    );
    expect(w.said().at(-1)).toContain("RTX-PRO-6000");
    expect(await taskMoney(w.store, w.now(), id)).toEqual(nothing);
    await expectNothingHeld(w);
  }));

test("a cancel while it waits takes effect at once (case 17)", () =>
  world(async (w) => {
    w.sandboxes.cards("H100", "taken");
    await w.comment("/parhelia run --gpu H100 --budget $100 train it");
    await w.pass(5 * minuteMs);
    await w.comment("/parhelia cancel");
    await w.dispatch();
    expect((await w.task()).state).toBe("cancelled");
    await expectNothingHeld(w);
  }));

test("a machine that comes is used and paid from then on, after a new service has started as well", () =>
  world(async (w) => {
    w.sandboxes.cards("H100", "taken");
    await w.comment("/parhelia run --gpu H100 --budget $100 train it");
    await w.pass(5 * minuteMs);
    await w.restart();
    await w.reconcile();
    await w.pass(5 * minuteMs);
    const heldBefore = (await monthMoney(w.store, w.now())).used;
    w.sandboxes.cards("H100", "free");
    const cameAt = w.now();
    await w.pass(20 * secondMs);
    expect(await w.task()).toMatchObject({ state: "starting", attempts: 1 });
    const { id } = await w.task();
    const attempt = await readAttempt(w.store, w.now(), attemptId(id, 1));
    expect(attempt?.value).toMatchObject({ createdAt: cameAt });
    expect((await monthMoney(w.store, w.now())).used).toBe(heldBefore);
    await w.inside().says();
    await w.dispatch();
    expect((await w.task()).state).toBe("running");
    await w.pass(minuteMs);
    await w.inside().says();
    await w.inside().ends();
    await w.pass(30 * secondMs);
    expect((await w.task()).state).toBe("succeeded");
    const { compute } = await taskMoney(w.store, w.now(), id);
    expect(compute).toBeGreaterThan(0);
    expect(compute).toBeLessThan(usd((4.4 * 3) / 60));
    const events = await listEvents(w.store, w.now(), { task: id, level: "info", limit: 100 });
    expect(JSON.stringify(events)).toContain("with GPU H100");
    await w.pass(minuteMs);
  }));

test("of several GPUs each has its share of the time, and the one that comes is what is paid", () =>
  world(async (w) => {
    w.sandboxes.cards("H100", "taken");
    w.sandboxes.cards("A100", "taken");
    await w.comment("/parhelia run --gpu H100,A100 --budget $100 train it");
    await w.pass(14 * minuteMs);
    const { id } = await w.task();
    const held = (await taskMoney(w.store, w.now(), id)).used;
    const dear = computePerHour({ cpu: 0, memoryMiB: 0, gpu: "H100" });
    expect(held).toBeGreaterThan(dear);
    expect(await line(w)).toContain("Waiting for GPU H100 · since 08:00 UTC");
    expect(w.said().at(-1)).toContain("GPU A100 is asked for from 08:15 UTC on");
    await w.pass(2 * minuteMs);
    expect(await line(w)).toContain("Waiting for GPU A100 · since 08:00 UTC, at most until 08:30 UTC");
    expect(w.sandboxes.waiting()).toHaveLength(1);
    w.sandboxes.cards("A100", "free");
    await w.pass(20 * secondMs);
    const attempt = await readAttempt(w.store, w.now(), attemptId(id, 1));
    expect(attempt?.value.microUsdPerHour).toBe(w.sandboxes.pricePerHour({ cpu: 2, memoryMiB: 4096, gpu: "A100" }));
    expect(w.sandboxes.made).toHaveLength(1);
    await w.inside().says();
    await w.dispatch();
    await w.inside().ends();
    await w.pass(30 * secondMs);
    expect((await w.task()).state).toBe("succeeded");
    await w.pass(minuteMs);
  }));

test("where none of several comes, the end names them all", () =>
  world(
    async (w) => {
      w.sandboxes.cards("H100", "taken");
      w.sandboxes.cards("A100", "taken");
      await w.comment("/parhelia run --gpu H100,A100 --budget $100 train it");
      await w.pass(11 * minuteMs);
      const task = await w.task();
      expect(task.state).toBe("failed");
      expect("finding" in task ? task.finding.because : "").toMatch(/^none of the GPUs H100, A100 was free in 10m\. /);
      await expectNothingHeld(w);
    },
    { limits: { maxWaitMs: 10 * minuteMs } },
  ));

test("a machine that came while nobody looked is paid although its task is cancelled before it is seen", () =>
  world(async (w) => {
    w.sandboxes.cards("H100", "taken");
    await w.comment("/parhelia run --gpu H100 --budget $100 train it");
    await w.pass(minuteMs);
    w.sandboxes.cards("H100", "free");
    w.jump(hourMs / 60);
    await w.comment("/parhelia cancel");
    await w.dispatch();
    const task = await w.task();
    expect(task.state).toBe("cancelled");
    const { compute } = await taskMoney(w.store, w.now(), task.id);
    const perHour = w.sandboxes.pricePerHour({ cpu: 2, memoryMiB: 4096, gpu: "H100" });
    expect(compute).toBeGreaterThanOrEqual(Math.floor(perHour / 60));
    await w.pass(minuteMs);
  }));

test("a backend that fails while it is asked is asked again, and a sandbox that spoke unseen is taken over", () =>
  world(async (w) => {
    w.sandboxes.cards("H100", "taken");
    await w.comment("/parhelia run --gpu H100 --budget $100 train it");
    await w.pass(minuteMs);
    w.sandboxes.fail("create", 3);
    await w.pass(minuteMs);
    expect((await w.task()).state).toBe("waiting");
    expect(w.takeFaults()).toHaveLength(3);
    w.sandboxes.fail("create", 1000);
    w.sandboxes.cards("H100", "free");
    await w.inside().says();
    await w.dispatch();
    expect((await w.task()).state).toBe("running");
    w.takeFaults();
    await w.inside().ends();
    await w.pass(30 * secondMs);
    expect((await w.task()).state).toBe("succeeded");
    await w.pass(minuteMs);
  }));
