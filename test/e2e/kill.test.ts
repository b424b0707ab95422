/**
 * The service is killed in the middle of a task and started again on what it left behind: the end is the same as if
 * nothing had happened. It dies where it hurts, while GitHub or the model still works on what it asked for last.
 */
import { expect, test } from "vitest";
import type { Task } from "../../src/core/task.ts";
import { eventually } from "../world/eventually.ts";
import { fixFile } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";
import { needsClaude, openStage, type HoldMatch, type Stage } from "./service.ts";

const ready = needs("git") && needs("bwrap");

const fix = fixFile({
  path: "sum.js",
  from: "a - b",
  to: "a + b",
  summary: "The sum adds now.",
  // It asks GitHub, where the test can hold the answer. `no_proxy` as for the agent would lead past the way out.
  run: "no_proxy= NO_PROXY= git ls-remote origin || true",
});

async function openWidgets(): Promise<Stage> {
  const stage = await openStage({ script: fix, pricePerHour: 3.6 });
  await stage.github.repository("acme/widgets", { "sum.js": "export const sum = (a, b) => a - b;\n" });
  await stage.start();
  return stage;
}

/** One of everything, and nothing left. */
async function expectOneOfEach(stage: Stage): Promise<void> {
  const { github, issue } = stage;
  const { task } = await stage.ended(40_000);
  expect(task).toMatchObject({ state: "succeeded", attempts: 1 });
  expect(github.comments("acme/widgets", issue).map(({ author }) => author)).toEqual(["dana", "parhelia[bot]"]);
  const pulls = github.pulls("acme/widgets");
  expect(pulls).toHaveLength(1);
  expect(await github.branches("acme/widgets")).toHaveLength(2);
  const sha = pulls[0]?.pull.headSha;
  expect(github.checkRuns("acme/widgets").map((each) => [each.sha, each.conclusion])).toEqual([[sha, "success"]]);
  const base = await github.branch("acme/widgets", "main");
  expect((await github.commit("acme/widgets", sha ?? "")).parents).toEqual([base]);
  await stage.expectNothingLeft();
}

const state = (stage: Stage, wanted: Task["state"]) =>
  eventually(async () => (await stage.view()).task.state === wanted, { withinMs: 10_000 });

const command = "/parhelia run -- sh -c 'echo done > done.txt'";

test.skipIf(!ready)("killed right after the task was admitted", { timeout: 60_000 }, async () => {
  const stage = await openWidgets();
  // The right to start is looked up at admission and, the second time, before the sandbox is made.
  const path = /\/collaborators\/dana\/permission$/;
  const admission = stage.hold({ method: "GET", path, when: "before" });
  await stage.comment(command);
  await admission.reached;
  const start = stage.hold({ method: "GET", path, when: "after" });
  admission.release();
  await start.reached;
  await stage.kill();
  expect((await stage.view()).task.state).toBe("starting");
  start.release();
  await stage.start();
  await expectOneOfEach(stage);
});
