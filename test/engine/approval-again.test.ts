/** Asking for a person's word a second time, what is no reason to ask, and what an estimate must not leave out. */
import { expect, test } from "vitest";
import { minuteMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import type { Task } from "../../src/core/task.ts";
import { pastRun, type PastTask } from "../world/past-run.ts";
import { world, type World } from "../world/world.ts";

const dear = { limits: { confirmAbove: usd(2) } };

async function say(w: World, words: string, by = "dana"): Promise<string> {
  await w.comment(`/parhelia ${words}`, { by });
  await w.dispatch();
  return w.said().at(-1) ?? "";
}

const asked = (w: World): number => w.said().filter((body) => body.includes("has to agree before it starts")).length;

/** Runs like one that was asked for here. */
async function history(w: World, like: Task, runs: readonly Partial<PastTask>[]): Promise<void> {
  const { origin, spec } = like;
  for (const run of runs)
    await pastRun(w.store, { origin, spec, endedAt: w.now(), ms: 5 * minuteMs, model: usd(0.1), ...run });
}

async function cancelled(w: World, words: string): Promise<Task> {
  await say(w, words);
  const task = (await w.tasks()).find(({ state }) => state === "waiting" || state === "starting");
  if (task === undefined) throw new Error("nothing waits or starts");
  await say(w, `cancel ${task.id}`);
  await w.pass(minuteMs);
  return task;
}

test("what was rejected and is asked for again is told of again", () =>
  world(async (w) => {
    w.github.person("mia", { role: "maintain" });
    await say(w, "run fix it");
    await w.pass(minuteMs);
    expect(asked(w)).toBe(1);
    // Without an id the newest is meant, and all words are the reason.
    expect(await say(w, "reject too dear for this", "mia")).toContain("is refused and does not start");
    expect(await w.task()).toMatchObject({
      state: "failed",
      finding: { because: "mia rejected it: too dear for this" },
    });
    await w.pass(minuteMs);
    await say(w, "retry");
    await w.pass(minuteMs);
    expect(asked(w)).toBe(2);
    expect(await say(w, "reject", "mia")).toContain("is refused");
    expect(await w.task()).toMatchObject({ finding: { because: "mia rejected it" } });
    expect(await say(w, "reject t_nosuch no", "mia")).toContain("There is no task `t_nosuch`");
  }, dear));

test("a plain command calls no model, so what its sandbox can cost is all", () =>
  world(async (w) => {
    await say(w, "run -- make");
    expect(await w.task()).toMatchObject({ state: "starting", estimate: { likely: 384_000 } });
    await say(w, "cancel");
    await w.pass(minuteMs);
  }, dear));

test("whoever agreed while few runs were known is not asked again for a retry", () =>
  world(async (w) => {
    w.github.person("mia", { role: "maintain" });
    await history(w, await cancelled(w, "run fix it"), [{}]);
    await say(w, "run fix it");
    const waiting = (await w.tasks()).find(({ state }) => state === "waiting");
    const id = waiting?.id ?? "";
    expect(waiting?.estimate).toMatchObject({ runs: 1, to: 130_000, likely: usd(5) });
    await say(w, `approve ${id}`, "mia");
    await w.inside(id).says();
    await w.inside(id).ends({ exitCode: 1, agent: { isError: true } });
    await w.pass(minuteMs);
    await say(w, `retry ${id}`);
    expect((await w.tasks()).find((task) => task.id === id)).toMatchObject({ state: "starting" });
    await say(w, `cancel ${id}`);
    await w.pass(minuteMs);
  }, dear));

test("runs that came to the end of their money count as what they cost", () =>
  world(
    async (w) => {
      const like = await cancelled(w, "run --budget $20 fix it");
      await history(w, like, [
        ...Array.from({ length: 5 }, () => ({})),
        ...Array.from({ length: 2 }, () => ({ verdict: "over-budget", model: usd(19) }) as const),
      ]);
      expect(await say(w, "estimate run --budget $20 fix it")).toContain(
        "nine of ten took at most **5m** and cost at most **$19.03**",
      );
      await say(w, "run --budget $20 fix it");
      expect((await w.tasks()).find(({ state }) => state === "waiting")).toMatchObject({ for: "approval" });
      await say(w, "cancel t_00000003");
      await w.pass(minuteMs);
    },
    { limits: { confirmAbove: usd(2) } },
  ));

test("an estimate says what the backend does not have, as the run itself would be told", () =>
  world(async (w) => {
    const said = await say(w, "estimate run --gpu H100 train");
    await say(w, "run --gpu H100 train");
    const task = await w.task();
    expect(task.state).toBe("failed");
    expect(said).toContain(`- It would be refused. ${"finding" in task ? task.finding.because : ""}`);
    expect(said).not.toContain("approval");
  }, dear));

test("its state says what to type, until somebody has asked for its end", () =>
  world(async (w) => {
    await say(w, "run fix it");
    const type =
      "Let it start: `/parhelia approve t_00000001` · Refuse it: `/parhelia reject t_00000001 <reason>` · Stop it:";
    expect(await say(w, "status")).toContain(type);
    await say(w, "cancel");
    await w.dispatch();
    expect(await w.task()).toMatchObject({ state: "cancelled" });
    expect(await say(w, "status")).not.toContain("approve");
    expect(await say(w, "approve")).toContain("`approve` needs **maintain** access");
  }, dear));
