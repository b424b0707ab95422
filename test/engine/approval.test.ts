/** Tasks that may become dear wait for a maintainer's word, and a repository's own settings count. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { world, type World } from "../world/world.ts";

const dear = { limits: { confirmAbove: usd(2) } };

async function ask(w: World, words = "fix it"): Promise<void> {
  await w.comment(`/parhelia run ${words}`);
  await w.dispatch();
}

test("a task that may cost more than that waits, and says once what it may cost and who can agree", () =>
  world(async (w) => {
    await ask(w);
    expect(await w.task()).toMatchObject({
      state: "waiting",
      for: "approval",
      because: "it may cost $5.00, and above $2.00 a maintainer has to agree",
      estimate: { runs: 0, from: usd(5), to: usd(5) },
    });
    expect(w.sandboxes.made).toEqual([]);
    await w.pass(minuteMs);
    const asked = w.said().filter((body) => body.includes("has to agree before it starts"));
    expect(asked).toHaveLength(1);
    expect(asked[0]).toContain("`/parhelia approve t_00000001`");
    const report = w.said().find((body) => body.startsWith("<!-- parhelia task"));
    expect(report).toContain("Wants approval · it may cost $5.00");
    expect(report).toContain("Estimate: at most $5.00; no run like it has ended here yet.");
    // It stays so across a restart.
    await w.restart();
    await w.pass(60 * minuteMs);
    expect(await w.task()).toMatchObject({ for: "approval" });
    await w.comment("/parhelia cancel");
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "cancelled" });
  }, dear));

test("a maintainer agrees and it starts; write access is not enough for that", () =>
  world(async (w) => {
    w.github.person("mia", { role: "maintain" });
    w.github.person("olly", { role: "write" });
    await ask(w);
    await w.comment("/parhelia approve", { by: "olly" });
    await w.dispatch();
    expect(w.said().at(-1)).toContain("`approve` needs **maintain** access");
    expect(await w.task()).toMatchObject({ for: "approval" });
    await w.comment("/parhelia approve", { by: "mia" });
    await w.dispatch();
    expect(w.said().at(-1)).toContain("starts with the next free sandbox, for at most $5.00.");
    expect(await w.task()).toMatchObject({ state: "starting", approval: { by: { login: "mia" }, upTo: usd(5) } });
    await w.comment("/parhelia approve", { by: "mia" });
    await w.dispatch();
    expect(w.said().at(-1)).toContain("does not wait for anybody's word");
    // A retry for no more money asks nobody again.
    await w.inside().says();
    await w.inside().ends({ exitCode: 1, agent: { isError: true } });
    await w.pass(minuteMs);
    await w.comment("/parhelia retry");
    await w.dispatch();
    expect(await w.task()).toMatchObject({ state: "starting" });
    await w.inside().says();
    await w.inside().ends();
    await w.pass(minuteMs);
    // For more than that it does.
    await w.comment("/parhelia retry --budget $9");
    await w.dispatch();
    expect(await w.task()).toMatchObject({ state: "waiting", for: "approval" });
    await w.comment("/parhelia reject t_00000001 ask for less, @everyone", { by: "mia" });
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({
      state: "failed",
      finding: { because: "mia rejected it: ask for less, @everyone" },
    });
    expect(w.said().join("\n")).not.toContain("@everyone");
  }, dear));

test("what similar runs cost is what counts, where enough of them are known", () =>
  world(async (w) => {
    w.github.person("mia", { role: "maintain" });
    for (let run = 1; run <= 5; run += 1) {
      await ask(w, "--budget $1.50 fix it");
      await w.inside().says();
      await w.pass(10 * minuteMs);
      await w.inside().ends();
      await w.pass(minuteMs);
    }
    await ask(w);
    const task = (await w.tasks()).at(-1);
    expect(task).toMatchObject({ state: "starting", estimate: { runs: 5 } });
    expect(task?.estimate?.to).toBeLessThan(usd(0.1));
    await w.inside().says();
    await w.inside().ends();
    await w.pass(minuteMs);
  }, dear));

test("a repository's settings lower what a task and the repository may cost, and ask for a word sooner", () =>
  world(async (w) => {
    await w.github.as("dana").push("acme/widgets", {
      ".parhelia/config.toml": '[budget]\ntask = "$1"\nrepository_day = "$3"\n[approval]\nconfirm_above = "$0.50"\n',
    });
    await w.deliver();
    await ask(w);
    expect(await w.task()).toMatchObject({
      state: "waiting",
      for: "approval",
      ceiling: usd(1),
      spec: { budget: usd(1) },
      lowered: { day: usd(3) },
      because: "it may cost $1.00, and above $0.50 a maintainer has to agree",
    });
    await w.comment("/parhelia cancel");
    await w.pass(30 * secondMs);
  }));
