/** A result that GitHub did not take is kept, and `publish` hands it over later without running anything again. */
import { expect, test } from "vitest";
import { secondMs, minuteMs, hourMs } from "../../src/core/instant.ts";
import { badGateway } from "../world/github/faults.ts";
import { world, type World } from "../world/world.ts";

const widgets = "acme/widgets";
const branch = "parhelia/t_00000001-fix-it";
const rule = { status: 422, message: "Repository rule violations found: no new branches" } as const;

async function work(w: World): Promise<void> {
  await w.comment("/parhelia run fix it");
  await w.dispatch();
  await w.inside().says();
  await w.dispatch();
  await w.inside().ends({ files: { "a.txt": "mended\n" } });
}

const answers = (w: World): string[] => w.said().filter((body) => !body.startsWith("<!-- parhelia task"));

test("what a ruleset refused is published by `publish` once the rule is gone, by the same attempt and in the same comment", () =>
  world(async (w) => {
    w.github.protect(widgets, branch, rule);
    await work(w);
    await w.pass(30 * secondMs);
    const refused = await w.task();
    expect(refused).toMatchObject({
      state: "failed",
      finding: { because: expect.stringContaining("no new branches") },
      unpublished: { verdict: "succeeded", because: "Claude Code finished" },
    });
    expect(w.said()[0]).toContain("`/parhelia publish t_00000001` publishes the kept result");
    w.github.protect(widgets, branch, "not");
    await w.comment("/parhelia publish");
    await w.pass(30 * secondMs);
    const done = await w.task();
    expect(done).toMatchObject({ state: "succeeded", attempts: 1, published: { branch } });
    expect(done).not.toHaveProperty("unpublished");
    expect(w.sandboxes.made).toHaveLength(1);
    expect(w.github.pulls(widgets)).toHaveLength(1);
    expect(w.said()[0]).toContain("Pull request #");
  }));

test("case 10: what a fault on our side kept from being published is published later", () =>
  world(async (w) => {
    w.github.faults.next({ method: "POST", path: /\/graphql$/ }, badGateway, 1000);
    await work(w);
    await w.pass(hourMs);
    expect(await w.task()).toMatchObject({ state: "failed", finding: { trace: expect.any(String) } });
    expect(w.takeFaults().length).toBeGreaterThan(0);
    w.github.faults.clear();
    await w.comment("/parhelia publish t_00000001");
    await w.pass(minuteMs);
    const done = await w.task();
    expect(done).toMatchObject({ state: "succeeded", attempts: 1, published: { branch } });
    expect(done.state === "succeeded" && done.finding).not.toHaveProperty("trace");
  }));

test("what is refused again stays kept", () =>
  world(async (w) => {
    w.github.protect(widgets, branch, rule);
    await work(w);
    await w.pass(30 * secondMs);
    await w.comment("/parhelia publish");
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "failed", unpublished: { verdict: "succeeded" } });
  }));

test("a task that keeps nothing, or has not ended, publishes nothing", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.comment("/parhelia publish");
    await w.inside().says();
    await w.dispatch();
    await w.inside().ends({ files: { "a.txt": "mended\n" } });
    await w.pass(30 * secondMs);
    await w.comment("/parhelia publish");
    await w.pass(secondMs);
    expect(answers(w)).toEqual([
      expect.stringContaining("has not ended"),
      expect.stringContaining("keeps no result to publish"),
    ]);
    expect(await w.task()).toMatchObject({ state: "succeeded" });
  }));
