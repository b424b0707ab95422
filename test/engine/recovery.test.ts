/** What breaks: sandboxes that die, backends that refuse, engines that are replaced, GitHub that is away. */
import { expect, test } from "vitest";
import { SandboxName } from "../../src/core/ids.ts";
import { microUsd } from "../../src/core/money.ts";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { badGateway } from "../world/github/faults.ts";
import { unbounded, world, type World } from "../world/world.ts";

/** A task that runs. */
async function begin(w: World): Promise<void> {
  await w.comment("/parhelia run fix it");
  await w.dispatch();
  await w.inside().says();
  await w.dispatch();
}

async function finish(w: World): Promise<void> {
  await w.inside().says();
  await w.dispatch();
  await w.inside().ends();
  await w.pass(30 * secondMs);
}

test("a sandbox that dies silently is missed, and the task is tried again from its base", () =>
  world(async (w) => {
    await begin(w);
    w.sandboxes.lose();
    await w.pass(3 * minuteMs + 30 * secondMs);
    expect(w.sandboxes.made).toEqual(["parhelia-t_00000001-1", "parhelia-t_00000001-2"]);
    await finish(w);
    expect(await w.task()).toMatchObject({ state: "succeeded", attempts: 2 });
  }));

test("reconciling finds a lost sandbox before its silence is noticed", () =>
  world(async (w) => {
    await begin(w);
    w.sandboxes.lose();
    await w.reconcile();
    expect(w.sandboxes.living()).toEqual(["parhelia-t_00000001-2"]);
    await finish(w);
  }));

test("a task whose sandbox is lost three times fails and says so", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await w.dispatch();
      await w.inside().says();
      await w.dispatch();
      w.sandboxes.lose();
      await w.reconcile();
    }
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "failed", attempts: 3 });
    expect(w.said()[0]).toContain("3 times in a row");
  }));

test("a sandbox that never speaks is given up after a minute", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.pass(61 * secondMs);
    expect(w.sandboxes.living()).toEqual(["parhelia-t_00000001-2"]);
    await finish(w);
  }));

test("a backend that cannot create for a while delays the task and is not asked twice for one name", () =>
  world(async (w) => {
    w.sandboxes.fail("create", 3);
    await w.comment("/parhelia run fix it");
    await w.pass(minuteMs);
    expect(w.takeFaults()).toHaveLength(3);
    expect(w.sandboxes.made).toEqual(["parhelia-t_00000001-1"]);
    await finish(w);
  }));

test("a failed listing changes nothing", () =>
  world(async (w) => {
    await begin(w);
    w.sandboxes.fail("list", 1);
    await expect(w.reconcile()).rejects.toThrow("list");
    expect((await w.task()).state).toBe("running");
    await finish(w);
  }));

test("a sandbox of ours that nobody knows is ended after a grace period, one whose attempt has ended at once", () =>
  world(async (w) => {
    const spec = { command: ["node"], env: {}, resources: { cpu: 1, memoryMiB: 1 }, lifetimeMs: 10 * minuteMs };
    await w.sandboxes.create({ ...spec, name: SandboxName.parse("parhelia-t_zzzzzzzz-1") });
    await w.reconcile();
    expect(w.sandboxes.living()).toHaveLength(1);
    await w.pass(3 * minuteMs);
    await w.reconcile();
    expect(w.sandboxes.living()).toEqual([]);
    await w.comment("/parhelia run -- true");
    await w.dispatch();
    await finish(w);
    await w.sandboxes.create({ ...spec, name: SandboxName.parse("parhelia-t_00000001-1") });
    await w.reconcile();
    expect(w.sandboxes.living()).toEqual([]);
  }));

test("an engine that takes over finds the sandbox by its name and pays for no second one", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.restart();
    await w.dispatch();
    await w.inside().says();
    await w.restart();
    await w.dispatch();
    await w.inside().ends({ files: { "a.txt": "a" } });
    await w.restart();
    await w.pass(30 * secondMs);
    expect(w.sandboxes.made).toHaveLength(1);
    expect(w.github.pulls("acme/widgets")).toHaveLength(1);
    expect(w.said()).toHaveLength(1);
  }));

test("the right to start that cannot be looked up is a fault, not a refusal: it is asked for again", () =>
  world(async (w) => {
    w.github.faults.next({ path: /\/collaborators\/dana\/permission/ }, badGateway, 2);
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    expect(w.sandboxes.made).toEqual([]);
    await w.pass(minuteMs);
    expect(w.takeFaults().length).toBeGreaterThanOrEqual(2);
    await finish(w);
    expect((await w.task()).state).toBe("succeeded");
  }));

test("a right that is taken away while the task waits stops it before a sandbox is made", () =>
  world(
    async (w) => {
      await w.comment("/parhelia run one");
      await w.dispatch();
      await w.comment("/parhelia run two");
      await w.dispatch();
      w.github.setRole("acme/widgets", "dana", "read");
      await w.inside().says();
      await w.dispatch();
      await w.inside().ends();
      await w.pass(30 * secondMs);
      expect((await w.tasks()).map((task) => task.state)).toEqual(["succeeded", "failed"]);
      expect(w.sandboxes.made).toHaveLength(1);
    },
    { limits: { maxSandboxes: 1 } },
  ));

test("a pull request whose answer was lost is found, not opened again", () =>
  world(async (w) => {
    w.github.faults.next({ method: "POST", path: /\/pulls$/ }, "lost-reply");
    await begin(w);
    await w.inside().ends({ files: { "a.txt": "a" } });
    await w.pass(minuteMs);
    w.takeFaults();
    expect(w.github.pulls("acme/widgets")).toHaveLength(1);
    expect((await w.task()).state).toBe("succeeded");
  }));

test("money for the month that does not cover a sandbox makes the task wait and says so", () =>
  world(
    async (w) => {
      await w.comment("/parhelia run fix it");
      await w.dispatch();
      expect(await w.task()).toMatchObject({ state: "waiting", for: "money" });
      expect(w.sandboxes.made).toEqual([]);
      await w.comment("/parhelia cancel");
      await w.pass(30 * secondMs);
      expect((await w.task()).state).toBe("cancelled");
    },
    { limits: { budgets: { ...unbounded, service: { day: undefined, month: microUsd(1000) } } } },
  ));

test("a result that comes while the sandbox is ended for its time counts", () =>
  world(async (w) => {
    await w.comment("/parhelia run --timeout 1m fix it");
    await w.dispatch();
    const inside = w.inside();
    await inside.says();
    for (let half = 0; half < 7; half += 1) {
      await w.pass(30 * secondMs);
      await inside.says({ type: "heartbeat", level: "debug", message: "" });
    }
    const end = w.sandboxes.end.bind(w.sandboxes);
    let late: Promise<void> | undefined;
    Object.assign(w.sandboxes, {
      async end(name: SandboxName) {
        late ??= inside.ends({ files: { "a.txt": "a" } });
        await late;
        await end(name);
      },
    });
    await w.pass(60 * secondMs);
    expect(await w.task()).toMatchObject({ state: "succeeded" });
    expect(w.github.pulls("acme/widgets")).toHaveLength(1);
  }));

test("a sandbox that cannot be looked for keeps no other from being found missing", () =>
  world(async (w) => {
    for (const words of ["one", "two"]) {
      await w.comment(`/parhelia run ${words}`);
      await w.dispatch();
      await w.inside().says();
      await w.dispatch();
    }
    w.sandboxes.lose();
    w.sandboxes.lose();
    w.sandboxes.fail("find", 1);
    await w.reconcile();
    expect(w.takeFaults().join("\n")).toContain("a missing sandbox could not be looked for");
    await w.dispatch();
    expect((await w.tasks()).map(({ attempts }) => attempts).toSorted((one, other) => one - other)).toEqual([1, 2]);
    await w.reconcile();
    await w.dispatch();
    expect((await w.tasks()).map(({ attempts }) => attempts)).toEqual([2, 2]);
    w.leaveAlive();
  }));
