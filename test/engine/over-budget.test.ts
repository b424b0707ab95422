/** A task that came to the end of its money: what it had done is shown as a draft, and more money goes on from there. */
import { expect, test } from "vitest";
import { minuteMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { expectLedger } from "../world/ledger.ts";
import { world, type World } from "../world/world.ts";

const repository = "acme/widgets";
const outOfMoney = { exitCode: 1, agent: { isError: true, apiErrorStatus: 402, text: "Half of it is done." } } as const;

async function stopped(w: World): Promise<void> {
  await w.comment("/parhelia run fix the null check");
  await w.dispatch();
  await w.inside().says();
  await w.inside().ends({ ...outOfMoney, files: { "half.txt": "half\n" } });
  await w.pass(minuteMs);
}

test("what it had done becomes a draft, and the report says how to go on", () =>
  world(async (w) => {
    await stopped(w);
    expect(await w.task()).toMatchObject({ state: "over-budget", published: { pullRequest: expect.any(Number) } });
    const [pull] = w.github.pulls(repository);
    expect(pull?.pull).toMatchObject({ draft: true });
    expect(pull?.body).toContain("Not finished: it reached what the task may cost");
    expect(w.said()[0]).toMatch(/^### 💰 Stopped at its ceiling/m);
    expect(w.said()[0]).toContain("kept as a draft: **[Pull request #");
    expect(w.said()[0]).toContain("`/parhelia retry t_00000001 --budget $10.00` goes on from what is kept");
  }));

test("with a budget it goes on from there, on the same branch and in the same pull request", () =>
  world(async (w) => {
    await stopped(w);
    const before = await w.task();
    await w.comment("/parhelia retry --budget $8");
    await w.dispatch();
    expect(w.said().at(-1)).toMatch(
      /^Going on with .* from what it kept on `parhelia\/t_00000001-.*for at most another \$8\.00\.$/m,
    );
    expect(await w.task()).toMatchObject({ spec: { budget: usd(8) } });
    const job = await w.inside().job();
    expect(job.source).toMatchObject({ sha: "published" in before ? before.published?.sha : "" });
    expect(job.work.kind === "agent" ? job.work.prompt : "").toContain("You go on with this");
    await w.inside().says();
    await w.inside().ends({ files: { "whole.txt": "whole\n" } });
    await w.pass(minuteMs);
    expect((await w.task()).state).toBe("succeeded");
    expect(w.github.pulls(repository)).toHaveLength(1);
    // The first run's is completed for good; the second has its own, on its own commit.
    const checks = w.github.checkRuns(repository).map(({ externalId, conclusion }) => `${externalId}: ${conclusion}`);
    expect(checks).toEqual(["t_00000001: failure", "t_00000001/1: success"]);
    expect(w.said()[0]).toContain("mark it ready for review");
    expect((await expectLedger(w.store, w.now())).open.size).toBe(0);
  }));

test("without one it starts over from the commit that it began with", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix the null check");
    await w.dispatch();
    const first = (await w.inside().job()).source;
    await w.inside().says();
    await w.inside().ends({ ...outOfMoney, files: { "half.txt": "half\n" } });
    await w.pass(minuteMs);
    await w.comment("/parhelia retry");
    await w.dispatch();
    expect((await w.inside().job()).source).toEqual(first);
    await w.comment("/parhelia cancel");
    await w.pass(minuteMs);
  }));

test("a retry on the commit of a pull request shows its progress in a check run of its own", () =>
  world(async (w) => {
    await w.github.as("dana").push(repository, { "work.txt": "begun\n" }, { branch: "work" });
    const pull = await w.github.as("dana").openPull(repository, { head: "work", title: "Work in progress" });
    await w.deliver();
    await w.comment("/parhelia run --no-publish fix it", { on: pull });
    await w.dispatch();
    await w.inside().says();
    await w.inside().ends({ exitCode: 1, agent: { isError: true } });
    await w.pass(minuteMs);
    await w.comment("/parhelia retry", { on: pull });
    await w.dispatch();
    await w.inside().says();
    await w.pass(minuteMs);
    const checks = () => w.github.checkRuns(repository).map(({ status, conclusion }) => conclusion ?? status);
    expect(checks()).toEqual(["failure", "in_progress"]);
    await w.inside().ends();
    await w.pass(minuteMs);
    expect(checks()).toEqual(["failure", "neutral"]);
  }));
