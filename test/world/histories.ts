/**
 * `nextStep` and all around it under histories that nobody thought of: people, sandboxes, a backend and GitHub do whatever
 * they like in any order, and the service dies in between. What must always hold is looked at after every one of these acts.
 */
import * as fc from "fast-check";
import { expect } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { isEnded } from "../../src/core/task.ts";
import { counters, indexes, keys } from "../../src/records/document.ts";
import { monthMoney, taskMoney } from "../../src/records/spending.ts";
import { expectLedger } from "./ledger.ts";
import { badGateway } from "./github/faults.ts";
import type { Ending, Inside } from "./sandboxes.ts";
import { world, type World } from "./world.ts";

type Act =
  | { readonly do: "ask"; readonly words: string }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "speak" | "lose" | "reconcile" | "die" }
  | { readonly do: "end"; readonly ending: Ending }
  | { readonly do: "backend-fails"; readonly call: "create" | "list" | "find" | "end" }
  | { readonly do: "github-fails"; readonly times: number };

const endings: Ending[] = [
  {},
  { files: { "a.txt": "a\n" } },
  { exitCode: 1, files: { "a.txt": "b\n" } },
  { exitCode: 1 },
  { ended: "timed-out" },
  { ended: "could-not-start" },
];

const anyAct: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("ask" as const),
      words: fc.constantFrom("run fix it", "run -- make", "cancel", "retry", "run --timeout 2m be quick"),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(secondMs, 20 * secondMs, 2 * minuteMs),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("speak" as const, "lose", "reconcile", "die") }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), ending: fc.constantFrom(...endings) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("backend-fails" as const),
      call: fc.constantFrom("create" as const, "list", "find", "end"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant("github-fails" as const), times: fc.integer({ min: 1, max: 3 }) }),
  },
);

const newest = (w: World): Inside | undefined => (w.sandboxes.living().length === 0 ? undefined : w.inside());

/** A sandbox whose attempt has ended is answered that it has. */
const hears410 = async (work: Promise<unknown> | undefined): Promise<void> => {
  await work?.catch((error: unknown) => {
    if (!/answered 4(?:09|10)|sealed/.test(String(error))) throw error;
  });
};

async function carryOut(w: World, act: Act): Promise<void> {
  switch (act.do) {
    case "ask":
      return void (await w.comment(`/parhelia ${act.words}`));
    case "wait":
      return w.pass(act.ms);
    case "speak":
      return hears410(newest(w)?.says());
    case "end":
      return hears410(newest(w)?.ends(act.ending));
    case "lose":
      return newest(w) === undefined ? undefined : w.sandboxes.lose();
    case "reconcile":
      return w.reconcile().catch((error: unknown) => expect(String(error)).toContain("refused to list"));
    case "die":
      return w.restart();
    case "backend-fails":
      return w.sandboxes.fail(act.call, 1);
    case "github-fails":
      return w.github.faults.next({ path: /./ }, badGateway, act.times);
  }
}

/** True at every instant, whatever happened. */
async function expectSound(w: World): Promise<void> {
  const tasks = await w.tasks();
  const homes = w.sandboxes.living().map((name) => name.slice(0, name.lastIndexOf("-")));
  expect(homes.length, "a task has one living sandbox at most").toBe(new Set(homes).size);
  for (const task of tasks.filter((each) => !isEnded(each))) {
    const [due, inQueue] = await w.store.look(w.now(), [
      { get: keys.due(task.id) },
      { range: indexes.ready, limit: 10, each: { prefix: indexes.queuePrefix, limit: 100 } },
    ]);
    const isQueued = inQueue.some(({ heads }) => heads.some(({ key }) => key === keys.task(task.id)));
    expect(due !== undefined || isQueued, `${task.id}, ${task.state}, has a next look`).toBe(true);
  }
  await expectMoney(w);
}

/** What is used is what was charged and what is held, and no ceiling was passed. */
async function expectMoney(w: World): Promise<void> {
  const { open } = await expectLedger(w.store, w.now());
  const held = [...open.values()].reduce((sum, { amount }) => sum + amount, 0);
  const { spent, used } = await monthMoney(w.store, w.now());
  expect(used, "used = charged + held").toBe(spent + held);
  let ofTasks = 0;
  for (const task of await w.tasks()) {
    const money = await taskMoney(w.store, w.now(), task.id);
    expect(money.used).toBeLessThanOrEqual(task.ceiling);
    ofTasks += money.used;
  }
  expect(ofTasks, "every dollar of the month belongs to a task").toBe(used);
}

/** Left alone, everything comes to an end, and people are told. */
async function expectEnd(w: World): Promise<void> {
  w.github.faults.clear();
  for (const call of ["create", "list", "find", "end"] as const) w.sandboxes.fail(call, 0);
  for (let step = 0; step < 20; step += 1) await w.pass(30 * minuteMs);
  await w.reconcile();
  await expectSound(w);
  const tasks = await w.tasks();
  expect(tasks.filter((task) => !isEnded(task)).map(({ id, state }) => `${id} ${state}`)).toEqual([]);
  const [running] = await w.store.look(w.now(), [{ counter: counters.running }]);
  expect(running).toBe(0);
  expect(w.sandboxes.living()).toEqual([]);
  for (const { id } of tasks) {
    const reports = w.said().filter((body) => body.startsWith(`<!-- parhelia task ${id} -->`));
    expect(reports, `${id} has one report`).toHaveLength(1);
    expect(reports[0], "that shows its end").not.toContain("parhelia cancel");
  }
  w.takeFaults();
}

/** Plays so many histories that a seed draws; throws with the shortest one that breaks a rule. */
export const playHistories = (numRuns: number, seed: number): Promise<void> =>
  fc.assert(
    fc.asyncProperty(fc.array(anyAct, { minLength: 5, maxLength: 30 }), (acts) =>
      world(
        async (w) => {
          for (const act of acts) {
            await carryOut(w, act);
            await w.dispatch();
            await expectSound(w);
          }
          await expectEnd(w);
        },
        { limits: { maxSandboxes: 2 } },
      ),
    ),
    { numRuns, seed },
  );
