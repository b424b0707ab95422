/** What an operator sets or resets at a terminal holds for the very next claim of a service that runs. */
import { expect, test } from "vitest";
import { execute } from "../../src/commands/execute.ts";
import { parseArgv } from "../../src/commands/parse.ts";
import { TaskId } from "../../src/core/ids.ts";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { openLocalForge } from "../../src/terminal/local-forge.ts";
import { expectLedger } from "../world/ledger.ts";
import { startLimits } from "../world/start-limits.ts";
import { unbounded, world, type World } from "../world/world.ts";

/** An hour's sandbox costs $0.36, and a task of an hour holds a little more. */
const one = usd(0.4);
const budgets = { ...unbounded, service: { day: undefined, month: one } };

function operator(w: World, words: string): Promise<string> {
  const said = parseArgv(words.split(" "));
  if (said.kind !== "command") throw new Error(said.message);
  return execute({
    command: said.name,
    input: said.input,
    asker: { place: { kind: "terminal", directory: "/srv" }, actor: { id: 0, login: "olly" } },
    context: {
      store: w.store,
      forge: openLocalForge(),
      now: w.now(),
      op: words,
      budgets,
      limits: startLimits,
      ids: { task: () => TaskId.parse("t_zzzzzzzz") },
      defaults: { timeoutMs: minuteMs, budget: usd(5), cpu: 1, memoryMiB: 64, model: null },
    },
  });
}

async function ask(w: World): Promise<void> {
  const issue = w.github.as("dana").openIssue("acme/widgets", "One more", "It is wrong.");
  await w.comment("/parhelia run -- make", { on: issue });
  await w.dispatch();
}

const states = async (w: World) => (await w.tasks()).map((task) => task.state);

async function endAll(w: World): Promise<void> {
  const begun = (await w.tasks()).filter(({ state }) => state === "starting" || state === "running");
  for (const { id } of begun) await w.inside(id).says();
  await w.pass(30 * minuteMs);
  for (const { id } of begun) await w.inside(id).ends();
  await w.pass(minuteMs);
}

test("a higher ceiling starts what waited, at once; a lower one lets what runs end and starts nothing new", () =>
  world(
    async (w) => {
      await ask(w);
      await ask(w);
      expect(await states(w)).toEqual(["starting", "waiting"]);
      expect(await operator(w, "budget set 1")).toContain("Tasks that wait for money look again now: 1.");
      await w.dispatch();
      expect(await states(w)).toEqual(["starting", "starting"]);
      await operator(w, "budget set 0.1");
      await ask(w);
      expect(await states(w)).toEqual(["starting", "starting", "waiting"]);
      expect((await w.tasks())[2]).toMatchObject({ because: expect.stringContaining("of $0.10 of this service") });
      await endAll(w);
      expect((await states(w)).slice(0, 2)).toEqual(["succeeded", "succeeded"]);
      await w.comment("/parhelia cancel t_00000003");
      await w.pass(30 * secondMs);
    },
    { limits: { budgets } },
  ));

test("a service that starts anew keeps to what was set", () =>
  world(
    async (w) => {
      await operator(w, "budget set none");
      await w.restart();
      await ask(w);
      await ask(w);
      expect(await states(w)).toEqual(["starting", "starting"]);
      await endAll(w);
    },
    { limits: { budgets } },
  ));

test("after a reset the next task starts, and the ledger still counts up to every sum", () =>
  world(
    async (w) => {
      await ask(w);
      await endAll(w);
      await ask(w);
      expect(await states(w)).toEqual(["succeeded", "waiting"]);
      expect(await operator(w, "budget reset")).toContain("**$0.00** of $0.40 used or reserved, before $0.18");
      await w.dispatch();
      expect(await states(w)).toEqual(["succeeded", "starting"]);
      await expectLedger(w.store, w.now());
      await endAll(w);
      await expectLedger(w.store, w.now());
      expect(await operator(w, "budget history --months 1")).toContain("| 2026-11 | $0.00 | $0.36 | $0.36 |");
    },
    { limits: { budgets } },
  ));
