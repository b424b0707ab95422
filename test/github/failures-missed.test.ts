/** Deliveries that never came: the reconciler finds the runs, and it is cheap where nothing happened. */
import { expect, test } from "vitest";
import { dayMs, minuteMs } from "../../src/core/instant.ts";
import { badGateway } from "../world/github/faults.ts";
import { world, type World } from "../world/world.ts";
import { openForgeWorld } from "./forge-world.ts";
import { ends, endsUnheard, issueOf, rebuild, told, widgets } from "./failure-runs.ts";

function lose(w: World): void {
  for (const delivery of w.github.deliveries.pending()) w.github.deliveries.drop(delivery, "lost");
}

async function later(w: World): Promise<void> {
  await w.pass(16 * minuteMs);
  await w.reconcile();
  await w.pass(minuteMs);
}

test("runs whose deliveries were lost open, update, close and open again", () =>
  world(async (w) => {
    for (const [conclusion, state, said] of [
      ["failure", "open", /failed on/],
      ["failure", "open", /failed 2 times/],
      ["success", "closed", /^<!.*\n✅ Passed again in \[run 3\]/],
      ["failure", "open", /failed on/],
    ] as const) {
      await endsUnheard(w, conclusion);
      lose(w);
      await later(w);
      expect(issueOf(w)).toMatchObject({ state, body: expect.stringMatching(said) });
    }
  }));

test("all that were missed at once count, also when one of them is delivered after all", () =>
  world(async (w) => {
    for (let n = 0; n < 3; n += 1) await endsUnheard(w, "failure");
    const [first] = w.github.deliveries.pending().slice(-3);
    for (const delivery of w.github.deliveries.pending().slice(-2)) w.github.deliveries.drop(delivery, "lost");
    await later(w);
    expect(issueOf(w).body).toContain("failed 3 times");
    await w.github.deliveries.deliver(first);
    await w.pass(minuteMs);
    expect(issueOf(w).body).toContain("failed 3 times");
  }));

test("pull requests, forks and other branches are not found either, nor what had failed long before", () =>
  world(async (w) => {
    const fork = await w.github.as("olly").fork(widgets);
    await endsUnheard(w, "failure", { event: "pull_request" });
    await endsUnheard(w, "failure", { from: fork });
    await endsUnheard(w, "failure", { branch: "feature" });
    await endsUnheard(w, "failure", { file: "ci.yml" });
    lose(w);
    await later(w);
    await endsUnheard(w, "failure");
    lose(w);
    await w.pass(9 * dayMs);
    await w.reconcile();
    expect(told(w)).toEqual([]);
  }));

test("where nothing happened a round costs nothing of the hourly limit but a word for each workflow that is not there", () =>
  world(async (w) => {
    await ends(w, "failure");
    await later(w);
    const before = w.github.requests.length;
    await w.reconcile();
    expect(w.github.requests.length).toBe(before);
    await later(w);
    const asked = w.github.requests.slice(before);
    const runs = asked.filter(({ path }) => path.includes("/actions/"));
    expect(runs.map(({ path, status }) => `${path.replace(/.*workflows/, "")} ${status}`)).toEqual([
      "/image-rebuild.yml/runs 304",
      "/e2e-modal.yml/runs 404",
    ]);
    expect(asked.length).toBeLessThanOrEqual(8);
  }));

test("repositories are looked at ten at a time, and one that refuses is in no other's way", () =>
  world(async (w) => {
    for (let n = 0; n < 12; n += 1) {
      const name = `acme/r${String(n).padStart(2, "0")}`;
      await w.github.repository(name);
      if (n % 3 === 0) w.github.workflowRun(name, { ...rebuild, sha: "a".repeat(40), conclusion: "failure" });
    }
    lose(w);
    w.github.faults.next({ path: /r00\/actions/ }, { status: 403, body: { message: "Resource not accessible" } });
    w.github.faults.next({ path: /r03\/actions/ }, badGateway);
    const opened = async (): Promise<string[]> => {
      const before = w.github.requests.length;
      await w.reconcile();
      await w.pass(minuteMs);
      const asked = w.github.requests.slice(before).filter(({ path }) => path.endsWith("image-rebuild.yml/runs"));
      expect(asked.length).toBeLessThanOrEqual(20);
      const all = Object.entries(await w.github.snapshot());
      return all.flatMap(([name, { issues }]) => (name !== widgets && issues.length > 0 ? [name] : [])).toSorted();
    };
    expect(await opened()).toEqual(["acme/r06"]);
    expect(await opened()).toEqual(["acme/r06", "acme/r09"]);
    await w.pass(16 * minuteMs);
    await opened();
    expect(await opened()).toEqual(["acme/r00", "acme/r03", "acme/r06", "acme/r09"]);
  }));

test("what was found is told again until it is written down", async () => {
  const { github, forge } = await openForgeWorld();
  await github.repository(widgets, { "a.txt": "a" });
  github.workflowRun(widgets, { ...rebuild, sha: "a".repeat(40), conclusion: "failure" });
  const { missed } = forge.workflows;
  expect((await missed(undefined)).runs).toHaveLength(1);
  const again = await missed(undefined);
  expect(again.runs).toHaveLength(1);
  again.written();
  expect((await missed(undefined)).runs).toEqual([]);
});
