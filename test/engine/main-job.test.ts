/** The main job as conversations: from one line on an issue to the pull request, and the ways in which it ends otherwise. */
import { ceilingsOf } from "../../src/core/budget.ts";
import { expect, test } from "vitest";
import { AttemptId } from "../../src/core/ids.ts";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { microUsd, usd } from "../../src/core/money.ts";
import { listEvents } from "../../src/records/events.ts";
import { charged, draw, settle } from "../../src/records/ledger.ts";
import { taskMoney } from "../../src/records/spending.ts";
import { unbounded, world } from "../world/world.ts";

test("a comment becomes a task, a sandbox, a report and a pull request", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix the null check\n\nOnly when the list is empty.");
    await w.dispatch();
    expect((await w.task()).state).toBe("starting");
    const sandbox = w.inside();
    const job = await sandbox.job();
    expect(job.work).toMatchObject({ kind: "agent" });
    await sandbox.says();
    await w.dispatch();
    expect(w.said()).toHaveLength(1);
    await w.pass(5 * minuteMs);
    await sandbox.says({ type: "agent_tool", level: "info", tool: "Edit", message: "editing src/queue.ts" });
    await w.pass(5 * minuteMs);
    expect(w.said()).toHaveLength(1);
    expect(w.said()[0]).toContain("editing src/queue.ts");
    await sandbox.ends({ files: { "src/queue.ts": "export const x = 1;\n" } });
    await w.pass(2 * secondMs);
    const task = await w.task();
    expect(task.state).toBe("succeeded");
    const [pull] = w.github.pulls("acme/widgets");
    expect(pull?.author).toBe("parhelia[bot]");
    expect((await w.github.files("acme/widgets", pull?.pull.headSha))["src/queue.ts"]).toBeDefined();
    expect(w.said()).toHaveLength(1);
    expect(w.said()[0]).toContain(`#${pull?.number}`);
    const [check] = w.github.checkRuns("acme/widgets", pull?.pull.headSha);
    expect(check).toMatchObject({ status: "completed", conclusion: "success" });
  }));

test("a command reports its exit status and the end of its output, and proposes nothing when it changed nothing", () =>
  world(async (w) => {
    await w.comment("/parhelia run -- npm test");
    await w.dispatch();
    const sandbox = w.inside();
    expect((await sandbox.job()).work).toEqual({ kind: "command", argv: ["npm", "test"] });
    await sandbox.says();
    await w.dispatch();
    await sandbox.ends({ exitCode: 1, tail: "1 failing\n  queue drains\n" });
    await w.pass(30 * secondMs);
    expect((await w.task()).state).toBe("failed");
    expect(w.said()[0]).toContain("1 failing");
    expect(w.github.pulls("acme/widgets")).toEqual([]);
  }));

test("a failed agent's changes are kept on a branch, without a pull request", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.inside().says();
    await w.dispatch();
    await w
      .inside()
      .ends({ exitCode: 1, agent: { isError: true, subtype: "error_max_turns" }, files: { "a.txt": "a" } });
    await w.pass(30 * secondMs);
    const task = await w.task();
    expect(task).toMatchObject({ state: "failed", published: { pullRequest: null } });
    expect(w.github.pulls("acme/widgets")).toEqual([]);
    expect(await w.github.branches("acme/widgets")).toContainEqual(expect.stringMatching(/^parhelia\/t_/));
  }));

test("an agent that the gateway refused for money ends over budget", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.inside().says();
    await w.dispatch();
    await w.inside().ends({ exitCode: 1, agent: { isError: true, apiErrorStatus: 402 } });
    await w.pass(30 * secondMs);
    expect((await w.task()).state).toBe("over-budget");
  }));

test("cancel stops a running task: its runner is told, then its sandbox is ended, and nothing is published", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    const sandbox = w.inside();
    await sandbox.says();
    await w.pass(2 * minuteMs);
    await sandbox.says({ type: "heartbeat", level: "debug", message: "" });
    await w.comment("/parhelia cancel");
    await w.dispatch();
    expect(await sandbox.inbox()).toMatchObject({ messages: [{ kind: "cancel", because: "cancelled by dana" }] });
    await w.pass(15 * secondMs);
    expect(w.sandboxes.living()).toEqual([]);
    expect((await w.task()).state).toBe("cancelled");
    expect((await sandbox.call("/gateway/job")).status).toBe(410);
    await w.pass(30 * secondMs);
    expect(w.said().find((body) => body.includes("Cancelled by dana"))).toBeDefined();
    expect(w.github.pulls("acme/widgets")).toEqual([]);
  }));

test("a task that is cancelled while it waits never gets a sandbox", () =>
  world(
    async (w) => {
      await w.comment("/parhelia run one");
      await w.dispatch();
      await w.comment("/parhelia run two");
      await w.dispatch();
      await w.comment("/parhelia cancel t_00000002");
      await w.dispatch();
      expect((await w.tasks()).map((task) => task.state)).toEqual(["starting", "cancelled"]);
      await w.inside().says();
      await w.dispatch();
      await w.inside().ends();
      await w.pass(30 * secondMs);
      expect(w.sandboxes.made).toEqual(["parhelia-t_00000001-1"]);
    },
    { limits: { maxSandboxes: 1 } },
  ));

test("tasks get slots in order, and repositories take turns", () =>
  world(
    async (w) => {
      await w.github.repository("acme/gears");
      const gears = w.github.as("dana").openIssue("acme/gears", "An issue");
      await w.comment("/parhelia run a1");
      await w.dispatch();
      await w.comment("/parhelia run a2");
      await w.comment("/parhelia run a3");
      w.github.as("dana").comment("acme/gears", gears, "/parhelia run b1");
      await w.deliver();
      for (let turn = 0; turn < 4; turn += 1) {
        await w.dispatch();
        expect(w.sandboxes.living()).toHaveLength(1);
        await w.inside().says();
        await w.dispatch();
        await w.inside().ends();
        await w.pass(secondMs);
      }
      const order = w.sandboxes.made.map((name) => name.slice("parhelia-".length, -2));
      expect(order).toEqual(["t_00000001", "t_00000002", "t_00000004", "t_00000003"]);
    },
    { limits: { maxSandboxes: 1 } },
  ));

test("a task takes as long as it may, then its sandbox is ended and the task is out of time", () =>
  world(async (w) => {
    await w.comment("/parhelia run --timeout 5m fix it");
    await w.dispatch();
    await w.inside().says();
    for (let minute = 0; minute < 7; minute += 1) {
      await w.pass(minuteMs);
      await w.inside().says({ type: "heartbeat", level: "debug", message: "" });
    }
    await w.pass(2 * minuteMs);
    expect(w.sandboxes.living()).toEqual([]);
    expect((await w.task()).state).toBe("timed-out");
  }));

test("retry starts an ended task again from its base, with its budget anew", () =>
  world(async (w) => {
    await w.comment("/parhelia run -- false");
    await w.dispatch();
    await w.inside().says();
    await w.dispatch();
    await w.pass(minuteMs);
    await w.inside().ends({ exitCode: 1 });
    await w.pass(10 * secondMs);
    const first = await w.task();
    await w.github.as("dana").push("acme/widgets", { "other.txt": "moved on" });
    await w.comment("/parhelia retry");
    await w.dispatch();
    const second = await w.task();
    expect(second).toMatchObject({ state: "starting", attempts: 2, base: first.base });
    expect(second.ceiling).toBeGreaterThan(first.ceiling);
    await w.inside().says();
    await w.dispatch();
    await w.inside().ends();
    await w.pass(30 * secondMs);
    expect((await w.task()).state).toBe("succeeded");
    expect(
      w.github.comments("acme/widgets", w.issue).filter((each) => each.body.startsWith("<!-- parhelia task")),
    ).toHaveLength(1);
  }));

test("case 16: what the agent claims is compared with what the gateway counted, and never charged", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    const sandbox = w.inside();
    await sandbox.says();
    await w.dispatch();
    const attempt = AttemptId.parse(sandbox.name.slice("parhelia-".length));
    const ceilings = ceilingsOf(await w.task(), unbounded, w.now());
    for (const [id, charge] of [
      ["call-1", 7000],
      ["call-2", 6000],
    ] as const) {
      const slice = { id, kind: "model", attempt, amount: usd(1), drawnAt: w.now() } as const;
      const drawn = await draw(w.store, slice, { ceilings });
      if (drawn.ok) await settle(w.store, drawn.slice, charged(microUsd(charge), w.now()), w.now());
    }
    await sandbox.says({ type: "agent_claim", level: "info", message: "", claimedMicroUsd: 13_250, turns: 2 });
    await sandbox.ends();
    await w.pass(30 * secondMs);
    const task = await w.task();
    expect(await taskMoney(w.store, w.now(), task.id)).toMatchObject({ model: 13_000 });
    const warnings = await listEvents(w.store, w.now(), { task: task.id, level: "warning", limit: 10 });
    expect(warnings.map(({ event }) => event.details)).toContainEqual({
      claimed_micro_usd: 13_250,
      counted_micro_usd: 13_000,
    });
  }));
