/**
 * The service is killed in the middle of a task and started again on what it left behind: the end is the same as if
 * nothing had happened. It dies where it hurts, while GitHub or the model still works on what it asked for last.
 */
import { describe, expect, test, type TestContext } from "vitest";
import type { TaskView } from "../../src/core/ports/forge.ts";
import { eventually } from "../world/eventually.ts";
import { fixFile, type Script } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";
import type { Hold, HoldMatch } from "./gate.ts";
import { needsClaude, openStage, type Stage } from "./service.ts";

const ready = needs("git") && needs("bwrap");

const fix = fixFile({
  path: "sum.js",
  from: "a - b",
  to: "a + b",
  summary: "The sum adds now.",
  // It asks GitHub, where the test can hold the answer. `no_proxy` as for the agent would lead past the way out.
  run: "no_proxy= NO_PROXY= git ls-remote origin || true",
});

async function openWidgets({ onTestFinished }: TestContext, script: Script = fix): Promise<Stage> {
  const stage = await openStage(onTestFinished, { script, pricePerHour: 3.6 });
  await stage.github.repository("acme/widgets", { "sum.js": "export const sum = (a, b) => a - b;\n" });
  await stage.start();
  return stage;
}

/** One of everything, and nothing left. */
async function expectOneOfEach(stage: Stage): Promise<TaskView> {
  const { github, issue } = stage;
  const view = await stage.ended(40_000);
  expect(view.task).toMatchObject({ state: "succeeded", attempts: 1 });
  expect(github.comments("acme/widgets", issue).map(({ author }) => author)).toEqual(["dana", "parhelia[bot]"]);
  const pulls = github.pulls("acme/widgets");
  expect(pulls).toHaveLength(1);
  expect(await github.branches("acme/widgets")).toHaveLength(2);
  const sha = pulls[0]?.pull.headSha;
  expect(github.checkRuns("acme/widgets").map((each) => [each.sha, each.conclusion])).toEqual([[sha, "success"]]);
  const base = await github.branch("acme/widgets", "main");
  expect((await github.commit("acme/widgets", sha ?? "")).parents).toEqual([base]);
  await stage.expectNothingLeft();
  return view;
}

const command = "/parhelia run -- sh -c 'echo done > done.txt'";
const fetching: HoldMatch = { method: "GET", path: /^\/acme\/widgets\.git\/info\/refs$/, when: "before" };

/** The service dies while GitHub has this call, which it carries out nevertheless. */
async function killDuring(stage: Stage, hold: Hold): Promise<void> {
  await hold.reached;
  await stage.kill();
  hold.release();
}

describe.concurrent("killed and started again, the end is the same", { timeout: 60_000 }, () => {
  test.skipIf(!ready)("when the task was just admitted", async (context) => {
    const stage = await openWidgets(context);
    await stage.comment(command);
    await eventually(async () => (await stage.view()).task.state !== "queued", { withinMs: 10_000 });
    await stage.kill();
    await stage.start();
    await expectOneOfEach(stage);
  });

  test.skipIf(!ready)("while the sandbox fetches the repository", async (context) => {
    const stage = await openWidgets(context);
    const fetch = stage.hold(fetching);
    await stage.comment(command);
    await killDuring(stage, fetch);
    await stage.start();
    await expectOneOfEach(stage);
  });

  test.skipIf(!ready || !needsClaude())("while the agent works", async (context) => {
    const stage = await openWidgets(context);
    const fetch = stage.hold(fetching);
    const work = stage.hold(fetching);
    await stage.comment("/parhelia run fix the sum");
    await fetch.reached;
    fetch.release();
    await killDuring(stage, work);
    expect((await stage.view()).task.state).toBe("running");
    await stage.start();
    const { model } = await expectOneOfEach(stage);
    expect(model).toBe(stage.model.bill());
  });

  test.skipIf(!ready)("stopped by its operator while the work goes on", async (context) => {
    const stage = await openWidgets(context);
    const fetch = stage.hold(fetching);
    await stage.comment(command);
    await fetch.reached;
    expect(await stage.stop()).toBe(0);
    fetch.release();
    await stage.start();
    await expectOneOfEach(stage);
  });

  test.skipIf(!ready || !needsClaude())(
    "while the model answers, and what that costs is charged at its worst",
    async (context) => {
      const asked = Promise.withResolvers<void>();
      let silent = true;
      const stage = await openWidgets(context, (ask) => {
        if (!silent || !ask.tools.includes("Edit")) return fix(ask);
        silent = false;
        asked.resolve();
        return { do: "hang" };
      });
      await stage.comment("/parhelia run fix the sum");
      await asked.promise;
      await stage.kill();
      await stage.start();
      const { model, task } = await expectOneOfEach(stage);
      // The stand-in bills no call that it does not answer.
      expect(model).toBeGreaterThan(stage.model.bill());
      expect(model).toBeLessThan(task.ceiling);
    },
  );

  test.skipIf(!ready).for<[what: string, call: HoldMatch]>([
    ["the comment is posted", { method: "POST", path: /\/issues\/1\/comments$/, when: "after" }],
    ["the commit is made", { method: "POST", path: /\/graphql$/, when: "after" }],
    ["the pull request is opened", { method: "POST", path: /\/pulls$/, when: "after" }],
    ["the pull request is asked for", { method: "POST", path: /\/pulls$/, when: "before" }],
    ["the check run is made", { method: "POST", path: /\/check-runs$/, when: "after" }],
    ["the comment is edited", { method: "PATCH", path: /\/issues\/comments\/\d+$/, when: "after" }],
  ])("while %s", async ([, call], context) => {
    const stage = await openWidgets(context);
    const hold = stage.hold(call);
    await stage.comment(command);
    await killDuring(stage, hold);
    await stage.start();
    await expectOneOfEach(stage);
  });
});
