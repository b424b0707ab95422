/** `halt` and `stop --all`: each part does what it can while the others are broken, and says what it could not. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { readHalt } from "../../src/records/halt.ts";
import { brakeWords, haltAll, liftAll, stopAll, type Brakes } from "../../src/terminal/stop-all.ts";
import { world, type World } from "../world/world.ts";

const unclosed = (store: Store): Store => ({
  commit: (commit, then) => store.commit(commit, then),
  look: (now, queries) => store.look(now, queries),
  onWake: (listener) => store.onWake(listener),
  close: async () => undefined,
});

function brakesOf(w: World, parts: Partial<Brakes> = {}) {
  const said: string[] = [];
  let count = 0;
  const brakes: Brakes = {
    stores: [{ name: "the store", open: () => unclosed(w.store) }],
    backends: [{ name: "this machine", open: () => w.sandboxes }],
    by: { id: 0, login: "root" },
    clock: { now: () => w.now() },
    ids: { unique: () => `brake-${(count += 1)}` },
    say: (line) => void said.push(line),
    ...parts,
  };
  return { brakes, said };
}

/** One that runs, one that starts and one that waits. */
async function threeTasks(w: World): Promise<void> {
  await w.comment("/parhelia run fix one");
  await w.dispatch();
  await w.inside().says();
  await w.comment("/parhelia run fix two");
  await w.dispatch();
  await w.comment("/parhelia run fix three");
  await w.dispatch();
  expect((await w.tasks()).map(({ state }) => state)).toEqual(["running", "starting", "waiting"]);
}

const broken = (what: string) => (): never => {
  throw new Error(`${what} is down`);
};

test("everything stops: tasks of every state are cancelled, their sandboxes end, nothing new starts", () =>
  world(
    async (w) => {
      await threeTasks(w);
      const { brakes, said } = brakesOf(w);
      expect(await stopAll(brakes, "the bill is odd")).toBe("done");
      expect(said.toSorted()).toEqual([
        "Cancelled 3 tasks in the store.",
        "Ended 2 of 2 sandboxes of this machine.",
        "Halted new starts in the store.",
        "To start again: parhelia halt --off",
      ]);
      expect(w.sandboxes.living()).toEqual([]);
      await w.comment("/parhelia run fix four");
      await w.pass(4 * minuteMs);
      expect((await w.tasks()).map(({ state }) => state)).toEqual(["cancelled", "cancelled", "cancelled", "waiting"]);
      expect(w.said()[0]).toContain("Cancelled by root");
      expect(await liftAll(brakes)).toBe("done");
      await w.dispatch();
      await w.inside().says();
      await w.inside().ends();
      await w.pass(30 * secondMs);
    },
    { limits: { maxSandboxes: 2 } },
  ));

test("with a store that is down the sandboxes end all the same, and the other store's tasks are cancelled", () =>
  world(
    async (w) => {
      await threeTasks(w);
      const stores = [
        { name: "the store at a", open: broken("the database") },
        { name: "the store b", open: () => unclosed(w.store) },
      ];
      const { brakes, said } = brakesOf(w, { stores });
      expect(await stopAll(brakes, "")).toBe("failed");
      expect(said).toContain("the store at a could not be told: the database is down");
      expect(said).toContain("Cancelled 3 tasks in the store b.");
      expect(w.sandboxes.living()).toEqual([]);
      await w.pass(minuteMs);
      await liftAll(brakes);
    },
    { limits: { maxSandboxes: 2 } },
  ));

test("with a backend that is down the tasks are cancelled and starts are halted; what is left is named", () =>
  world(
    async (w) => {
      await threeTasks(w);
      w.sandboxes.fail("end", 1);
      const backends = [
        { name: "a cloud", open: broken("the cloud") },
        { name: "this machine", open: () => w.sandboxes },
      ];
      const { brakes, said } = brakesOf(w, { backends });
      expect(await stopAll(brakes, "why not")).toBe("failed");
      expect(said).toContain("The sandboxes of a cloud could not be listed: the cloud is down");
      expect(said).toContain("parhelia-t_00000001-1 could not be ended: the backend refused to end");
      expect(said).toContain("Ended 1 of 2 sandboxes of this machine.");
      // The second round took the one that was left.
      expect(said).toContain("Ended 1 of 1 sandboxes of this machine.");
      expect(await readHalt(w.store, w.now())).toMatchObject({ by: "root", because: "why not" });
      await w.pass(minuteMs);
      expect((await w.tasks()).map(({ state }) => state)).toEqual(["cancelled", "cancelled", "cancelled"]);
      await liftAll(brakes);
    },
    { limits: { maxSandboxes: 2 } },
  ));

test("a store that gives no answer keeps no sandbox alive meanwhile", () =>
  world(
    async (w) => {
      await threeTasks(w);
      const { promise: answer, resolve } = Promise.withResolvers<Store>();
      const { brakes } = brakesOf(w, { stores: [{ name: "the store", open: () => answer }] });
      const stopping = stopAll(brakes, "");
      await expect.poll(() => w.sandboxes.living()).toEqual([]);
      resolve(unclosed(w.store));
      expect(await stopping).toBe("done");
      await w.pass(minuteMs);
      await liftAll(brakes);
    },
    { limits: { maxSandboxes: 2 } },
  ));

test("halt alone stops nothing that runs", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix one");
    await w.dispatch();
    await w.inside().says();
    const { brakes, said } = brakesOf(w);
    expect(await haltAll(brakes, "")).toBe("done");
    expect(said).toEqual(["Halted new starts in the store. What runs goes on. To start again: parhelia halt --off"]);
    await w.inside().ends();
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "succeeded" });
  }));

test.each([
  [["halt"], { kind: "halt", because: "" }],
  [["halt", "the", "bill", "is odd"], { kind: "halt", because: "the bill is odd" }],
  [["halt", "--off"], { kind: "lift" }],
  [["halt", "--off", "now"], { kind: "wrong" }],
  [["halt", "--on"], { kind: "wrong" }],
  [["stop", "--all"], { kind: "stop", because: "", isSure: false }],
  [["stop", "--all", "--yes", "odd"], { kind: "stop", because: "odd", isSure: true }],
  [["stop"], { kind: "wrong", message: expect.stringContaining("parhelia cancel") }],
  [["stop", "t_00000001"], { kind: "wrong" }],
])("%j is read", (words, read) => {
  expect(brakeWords(words)).toMatchObject(read);
});
