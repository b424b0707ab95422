/**
 * Money under histories that nobody thought of: calls that are late, parallel, cut and lost, deaths at any call of the
 * service, repetitions, midnights and small ceilings everywhere. The rules are looked at after every act and every line of
 * the ledger, and the ledger is held against the bills of the model and of the sandboxes at the end.
 */
import * as fc from "fast-check";
import { expect } from "vitest";
import type { Allowance, Budgets } from "../../src/core/budget.ts";
import { minuteMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { isEnded } from "../../src/core/task.ts";
import type { Entry } from "../../src/records/ledger-entry.ts";
import { openHeldModel, type HeldModel } from "./held-model.ts";
import { expectLedger } from "./ledger.ts";
import { reviveIfDead } from "./lives.ts";
import { anyAct, type Act } from "./money-acts.ts";
import { expectBills } from "./money-bills.ts";
import { carryOut, commitAllAgain, letGo, people, places, recordCommits, type Play } from "./money-play.ts";
import { ceilingsIn, expectMoneyRules, openReplay, usedNow } from "./money-rules.ts";
import { world } from "./world.ts";

/** A sandbox of twenty minutes with its first call holds $0.36. */
const amounts = [...Array.from({ length: 6 }, () => undefined), usd(0.4), usd(0.6), usd(0.9), usd(1.5), usd(3)];
const amount = fc.constantFrom(...amounts);
const allowance: fc.Arbitrary<Allowance> = fc.record({ day: amount, month: amount });
const anyBudgets: fc.Arbitrary<Budgets> = fc.record({
  user: allowance,
  repository: allowance,
  installation: allowance,
  service: allowance,
});

/** Morning, the last minutes of a day, and the last of a month. */
const starts = ["2026-11-25T08:00:00Z", "2026-11-25T23:52:00Z", "2026-11-30T23:52:00Z"];

interface History {
  readonly start: string;
  readonly budgets: Budgets;
  readonly acts: readonly Act[];
}

const anyHistory = (how: "calm" | "mishaps"): fc.Arbitrary<History> =>
  fc.record({
    start: fc.constantFrom(...starts),
    budgets: anyBudgets,
    acts: fc
      .array(anyAct(how), { minLength: 15, maxLength: 35 })
      .map((acts): Act[] => [
        { do: "ask", who: 0, where: 0, words: "run --model claude-opus-5-5 --timeout 20m fix it" },
        { do: "speak" },
        ...acts,
      ]),
  });

/** Sums over all histories, so that a reader sees that something was at stake. */
export type Figures = Record<
  "histories" | "acts" | "crashes" | "tasks" | "calls" | "lines" | "repeated" | "bill" | "ledger" | "exact",
  number
>;

/** Plays so many histories that a seed draws; throws with the shortest one that breaks a rule. */
export async function playMoneyHistories(how: "calm" | "mishaps", numRuns: number, seed: number): Promise<Figures> {
  const figures: Figures = {
    histories: 0,
    acts: 0,
    crashes: 0,
    tasks: 0,
    calls: 0,
    lines: 0,
    repeated: 0,
    bill: 0,
    ledger: 0,
    exact: 0,
  };
  const add = (name: keyof Figures, by: number): void => void (figures[name] += by);
  await fc.assert(
    fc.asyncProperty(anyHistory(how), (history) => playMoneyHistory(history, how, add)),
    // Looking for a shorter one takes longer than reading a long one.
    { numRuns, seed, endOnFailure: true },
  );
  return figures;
}

/** One history, as a failure prints it. */
async function playMoneyHistory(
  history: History,
  how: "calm" | "mishaps",
  add: Around["add"] = () => undefined,
): Promise<void> {
  const model = await openHeldModel("sk-test");
  try {
    await playOne(history, { how, model, add });
  } finally {
    for (const each of model.underWay()) each.letGo("lost");
    await model.close();
  }
}

interface Around {
  readonly how: "calm" | "mishaps";
  readonly model: HeldModel;
  readonly add: (name: keyof Figures, by: number) => void;
}

const playOne = ({ start, budgets, acts }: History, { how, model, add }: Around): Promise<void> =>
  world(
    async (w) => {
      w.jump(Date.parse(start) - w.now());
      for (const each of people.slice(1)) w.github.person(each, { role: "write" });
      await w.github.repository("acme/tools");
      const issues = [...places, ...places].map((place) => w.github.as("dana").openIssue(place, "One", "It is wrong."));
      await w.deliver();
      const play: Play = {
        w,
        model,
        budgets,
        issues,
        calls: [],
        counted: new Set(),
        uncertain: new Set(),
        commits: [],
        recorded: undefined,
        asked: 0,
        vanished: 0,
        crashes: 0,
        awayMs: 0,
        setBackMs: 0,
      };
      const follow = openFollower(play);
      for (const act of acts) {
        // In calm no call is under way when its attempt may end.
        if (how === "calm" && ["ask", "end", "wait"].includes(act.do)) await letAllGo(play);
        await carryOut(play, act);
        await w.dispatch();
        if (w.life.isOver) w.jump(play.awayMs);
        await reviveIfDead(w);
        recordCommits(play);
        await w.dispatch();
        await follow();
      }
      await end(play, how);
      const lines = await follow();
      const ledger = expectBills(play, lines, how);
      add("histories", 1);
      add("acts", acts.length);
      add("crashes", play.crashes);
      add("tasks", (await w.tasks()).length);
      add("calls", play.calls.length);
      add("lines", lines.length);
      add("repeated", acts.filter((act) => act.do === "commit-again" || act.do === "deliver-again").length);
      add("bill", ledger.bill);
      add("ledger", ledger.total);
      add("exact", ledger.bill === ledger.total ? 1 : 0);
    },
    { elsewhere: ["bolt/gears"], limits: { maxSandboxes: 3, budgets }, model: model.fetch },
  );

/** Looks at the rules, and replays the lines that came since. */
function openFollower(play: Play): () => Promise<Entry[]> {
  const { w, budgets, model } = play;
  const replay = openReplay();
  const seen = new Set<string>();
  return async () => {
    const underWay = model.underWay();
    const calls = play.calls.filter(({ held }) => underWay.includes(held));
    const lines = await expectMoneyRules(w, { budgets, calls });
    const mostOf = await ceilingsIn(w, budgets);
    const counts = new Map<string, number>();
    for (const line of lines) {
      // Lines have no name of their own; those that are alike are told apart by their number.
      const text = JSON.stringify(line);
      const count = (counts.get(text) ?? 0) + 1;
      counts.set(text, count);
      const name = `${text}#${count}`;
      if (seen.has(name)) continue;
      seen.add(name);
      replay.add(line, mostOf);
    }
    const used = replay.used();
    expect(used, "the lines replayed").toEqual(await usedNow(w, [...used.keys()]));
    return lines;
  };
}

/** Everything comes to an end: what waits for money is cancelled, and late calls are answered at last. */
async function end(play: Play, how: "calm" | "mishaps"): Promise<void> {
  const { w } = play;
  if (how === "calm") await letAllGo(play);
  else await w.restart();
  recordCommits(play);
  w.github.faults.clear();
  for (const each of ["create", "list", "find", "end"] as const) w.sandboxes.fail(each, 0);
  for (let turn = 0; turn < 3; turn += 1) {
    for (const task of await w.tasks()) {
      const { place } = task.origin;
      if (isEnded(task) || place.kind !== "issue") continue;
      const repository = `${place.repository.owner}/${place.repository.name}`;
      w.github.as("dana").comment(repository, place.number, `/parhelia cancel ${task.id}`);
    }
    await w.deliver();
    await w.pass(minuteMs);
  }
  await w.pass(70 * minuteMs);
  await letAllGo(play);
  await w.reconcile();
  await w.pass(minuteMs);
  const { open } = await expectLedger(w.store, w.now());
  expect([...open.keys()], "held when everything has ended").toEqual([]);
  await commitAllAgain(play);
  w.takeFaults();
}

async function letAllGo(play: Play): Promise<void> {
  const underWay = play.model.underWay();
  for (const each of play.calls.filter(({ held }) => underWay.includes(held))) await letGo(play, each, "whole");
}
