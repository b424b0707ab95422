/** The halt switch: nothing new starts while it is on, on any replica and after any restart; what runs goes on. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { listEvents } from "../../src/records/events.ts";
import { halt, liftHalt } from "../../src/records/halt.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { needs } from "../world/needs.ts";
import { openUpstash } from "../world/upstash/upstash.ts";
import { world, type World } from "../world/world.ts";

const turnOn = (w: World, because: string) =>
  halt(w.store, { by: "root", because, now: w.now(), op: `halt/${w.now()}` });
const turnOff = (w: World) => liftHalt(w.store, { by: "root", now: w.now(), op: `lift/${w.now()}` });

async function finish(w: World): Promise<void> {
  await w.inside().says();
  await w.dispatch();
  await w.inside().ends();
  await w.pass(30 * secondMs);
}

test("while it is on no task starts, its report says why in words that stay words, and its place in the queue stays", () =>
  world(async (w) => {
    await turnOn(w, "the model's bill is odd, ask @dana **now**");
    await w.comment("/parhelia run -- make one");
    await w.comment("/parhelia run -- make two");
    await w.pass(2 * minuteMs);
    expect(await w.tasks()).toMatchObject([
      { state: "waiting", for: "slot" },
      { state: "waiting", for: "slot" },
    ]);
    expect(w.sandboxes.made).toEqual([]);
    const [said = ""] = w.said();
    expect(said).toContain("New starts are halted by the operator");
    expect(said).toContain("the model's bill is odd, ask @\u200bdana");
    expect(said).not.toContain("**now**");
    expect(await turnOff(w)).toBe(true);
    await w.dispatch();
    expect(w.sandboxes.made).toEqual(["parhelia-t_00000001-1", "parhelia-t_00000002-1"]);
    await finish(w);
    await finish(w);
    expect((await w.tasks()).map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
  }));

test("a report that already waits says so at once, and no longer when it is lifted", () =>
  world(
    async (w) => {
      await w.comment("/parhelia run -- make one");
      await w.dispatch();
      await w.comment("/parhelia run -- make two");
      await w.pass(5 * secondMs);
      expect(w.said()[1]).toContain("next in line");
      await turnOn(w, "");
      await w.pass(5 * secondMs);
      expect(w.said()[1]).toContain("New starts are halted by the operator");
      await turnOff(w);
      await w.pass(5 * secondMs);
      expect(w.said()[1]).toContain("next in line");
      await finish(w);
      await finish(w);
    },
    { limits: { maxSandboxes: 1 } },
  ));

test("what runs goes on, and a lost attempt of it is not begun again before the switch is off", () =>
  world(async (w) => {
    await w.comment("/parhelia run -- make");
    await w.dispatch();
    await w.inside().says();
    await w.dispatch();
    await turnOn(w, "");
    await w.pass(minuteMs);
    expect(await w.task()).toMatchObject({ state: "running" });
    w.sandboxes.lose();
    await w.reconcile();
    expect(await w.task()).toMatchObject({ state: "waiting", for: "slot" });
    await w.restart();
    await w.pass(minuteMs);
    expect(w.sandboxes.made).toHaveLength(1);
    await turnOff(w);
    await w.dispatch();
    expect(w.sandboxes.made).toHaveLength(2);
    await finish(w);
    expect(await w.task()).toMatchObject({ state: "succeeded", attempts: 2 });
  }));

test("a claim that was decided before the switch is refused by the store", () =>
  world(async (w) => {
    // The switch is thrown when the step is decided and before it is written.
    let thrown = false;
    const { store } = w;
    const commit = store.commit.bind(store);
    Object.assign(store, {
      commit: async (...asked: Parameters<typeof commit>) => {
        const isClaim = asked[0].put?.some(({ key }) => key.startsWith("attempt/")) ?? false;
        if (isClaim && !thrown) {
          thrown = true;
          await turnOn(w, "now");
        }
        return commit(...asked);
      },
    });
    await w.comment("/parhelia run -- make");
    await w.pass(minuteMs);
    expect(thrown).toBe(true);
    expect(w.sandboxes.made).toEqual([]);
    expect(await w.task()).toMatchObject({ state: "waiting", for: "slot", attempts: 0 });
    await turnOff(w);
    await w.dispatch();
    await finish(w);
  }));

test.skipIf(!needs("redis-server"))("on Redis it holds for every replica", async () => {
  const { url, token, close } = await openUpstash();
  onTestFinished(close);
  await world(
    async (w) => {
      await turnOn(w, "");
      await w.comment("/parhelia run -- make");
      for (let round = 0; round < 4; round += 1) await w.pass(10 * secondMs);
      expect(await w.task()).toMatchObject({ state: "waiting", for: "slot" });
      await turnOff(w);
      await w.pass(5 * secondMs);
      expect(w.sandboxes.made).toHaveLength(1);
      await finish(w);
    },
    { shared: { replicas: 3, open: (replica) => openRedisStore({ url, token, replica, prefix: "halt" }) } },
  );
});

test("both turns of the switch are events; lifting what is not halted is none", async () => {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-halt-"));
  const store = openSqliteStore({ path: join(directory, "a.db") });
  onTestFinished(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });
  const now = Instant.parse(1_000_000);
  await halt(store, { by: "root", because: "odd bill", now, op: "1" });
  expect(await liftHalt(store, { by: "root", now, op: "2" })).toBe(true);
  expect(await liftHalt(store, { by: "root", now, op: "3" })).toBe(false);
  const events = await listEvents(store, now, { level: "info", limit: 10 });
  expect(events.map(({ event }) => [event.type, event.message])).toEqual([
    ["halt_lifted", "root lets new work start again"],
    ["halted", "root halted new starts: odd bill"],
  ]);
});
