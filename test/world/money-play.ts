/** Carries out what a history about money consists of, and keeps what its end is compared with. */
import { expect } from "vitest";
import type { Budgets } from "../../src/core/budget.ts";
import { minuteMs } from "../../src/core/instant.ts";
import type { Commit, CommitResult, Store } from "../../src/core/ports/store.ts";
import { Dropped } from "./github/faults.ts";
import type { HeldCall, HeldModel, Letting } from "./held-model.ts";
import type { Life } from "./life.ts";
import type { Act } from "./money-acts.ts";
import { moneyState, type InFlight } from "./money-rules.ts";
import type { Ending, Inside } from "./sandboxes.ts";
import type { World } from "./world.ts";

export const places = ["acme/widgets", "acme/tools", "bolt/gears"] as const;
export const people = ["dana", "olly", "rika"] as const;

export interface AskedCall extends InFlight {
  readonly life: Life;
  /** Resolves with the answer's status when the agent has it whole, and with 0 where it never will. */
  readonly answer: Promise<number>;
}

export interface Play {
  readonly w: World;
  readonly model: HeldModel;
  readonly budgets: Budgets;
  readonly issues: readonly number[];
  /** Every call that ever reached the model. */
  readonly calls: AskedCall[];
  /** Those that ended as the service could see it, and those that did or did not. */
  readonly counted: Set<HeldCall>;
  readonly uncertain: Set<HeldCall>;
  /** Calls that were asked for and never reached the model: the service died, or the call was refused. */
  vanished: number;
  /** Commits that moved money. */
  readonly commits: { readonly commit: Commit; readonly result: CommitResult }[];
  recorded: Store | undefined;
  asked: number;
  crashes: number;
  /** How long nobody is there after the next death. */
  awayMs: number;
  setBackMs: number;
}

/** What the store is told from now on about money is kept, to be told again. */
export function recordCommits(play: Play): void {
  const { store } = play.w;
  if (play.recorded === store) return;
  play.recorded = store;
  const commit = store.commit.bind(store);
  store.commit = async (...args) => {
    const result = await commit(...args);
    const [given] = args;
    if (result.ok && given.append?.some(({ log }) => log.startsWith("ledger/")) === true) {
      if (!play.commits.some((each) => each.commit.op === given.op)) play.commits.push({ commit: given, result });
    }
    return result;
  };
}

const livingOne = (w: World, whose: number): Inside | undefined => {
  const living = w.sandboxes.living();
  const name = living[whose % Math.max(1, living.length)];
  return name === undefined ? undefined : w.inside(name);
};

/** A sandbox whose attempt has ended is answered that it has, and one whose service dies is not answered. */
const heard = async (work: Promise<unknown> | undefined): Promise<void> => {
  await work?.catch((error: unknown) => {
    if (!(error instanceof Dropped) && !/answered 4(?:09|10)|sealed/.test(String(error))) throw error;
  });
};

const speakAndEnd = async (inside: Inside | undefined, ending: Ending): Promise<void> => {
  await inside?.says();
  await inside?.ends(ending);
};

export async function carryOut(play: Play, act: Act): Promise<void> {
  const { w, model } = play;
  switch (act.do) {
    case "ask":
      return ask(play, act);
    case "call":
      return call(play, act);
    case "answer":
      return answer(play, act);
    case "refuse-next":
      return model.refuseNext(529);
    case "reconcile":
      return w.reconcile().catch((error: unknown) => expect(String(error)).toContain("refused to list"));
    case "die":
      play.crashes += 1;
      return w.restart();
    case "die-at":
      play.crashes += 2;
      play.awayMs = act.awayMs;
      return w.restart(act.death);
    case "deliver-again": {
      const { deliveries } = w.github;
      for (const { delivery } of deliveries.attempts().slice(-3)) deliveries.repeat(delivery);
      return w.deliver();
    }
    case "wait":
      return w.pass(act.ms);
    case "jump":
      play.setBackMs += Math.max(0, -act.ms);
      return w.jump(act.ms);
    case "speak":
      for (const name of w.sandboxes.living()) await heard(w.inside(name).says());
      return;
    case "lose": {
      const name = livingOne(w, act.whose)?.name;
      return name === undefined ? undefined : w.sandboxes.lose(name);
    }
    case "end":
      return heard(speakAndEnd(livingOne(w, act.whose), act.ending));
    case "backend-fails":
      return w.sandboxes.fail(act.call, 1);
    case "commit-again":
      return commitAgain(play, act.which);
  }
}

async function ask({ w, issues }: Play, { who, where, words: said }: Act & { do: "ask" }): Promise<void> {
  const place = where % places.length;
  const by = people[who % people.length] ?? "dana";
  const each = issues[where % issues.length] ?? 1;
  w.github.as(by).comment(places[place] ?? places[0], each, `/parhelia ${said}`);
  await w.deliver();
}

async function call(play: Play, act: Act & { do: "call" }): Promise<void> {
  const { w, model } = play;
  const inside = livingOne(w, act.whose);
  if (inside === undefined) return;
  const { life } = w;
  const sent = Array.from({ length: act.times }, () => {
    const words = `call ${(play.asked += 1)} ends here ${"x".repeat(act.bytes)}`;
    const messages = [{ role: "user", content: words }];
    const body = { model: "claude-opus-5-5", max_tokens: act.maxTokens, stream: act.stream, messages };
    const one = { words, isOver: false, answer: statusOf(inside, body) };
    void one.answer.then(() => (one.isOver = true));
    return one;
  });
  const heldOf = ({ words }: { words: string }): HeldCall | undefined =>
    model.underWay().find(({ asked }) => asked.includes(words.slice(0, words.indexOf("x"))));
  for (;;) {
    const open = sent.filter((one) => !one.isOver && heldOf(one) === undefined);
    if (open.length === 0) break;
    await Promise.race([model.arrival(), ...open.map((one) => one.answer)]);
    await Promise.resolve();
  }
  for (const one of sent) {
    const held = heldOf(one);
    const attempt = inside.name.slice("parhelia-".length);
    if (held === undefined) play.vanished += 1;
    else play.calls.push({ attempt, life, held, answer: one.answer });
  }
}

const statusOf = async (inside: Inside, body: object): Promise<number> => {
  try {
    const headers = { "anthropic-version": "2023-06-01" };
    const response = await inside.call("/v1/messages", { method: "POST", headers, body: JSON.stringify(body) });
    await response.text();
    return response.status;
  } catch {
    // The service died, or the answer broke off: the agent has nothing.
    return 0;
  }
};

async function answer(play: Play, { which, how }: Act & { do: "answer" }): Promise<void> {
  const open = play.calls.filter(({ held }) => play.model.underWay().includes(held));
  const chosen = open[which % Math.max(1, open.length)];
  if (chosen !== undefined) await letGo(play, chosen, how);
}

/** Ends a call, and keeps whether the service can have seen what it cost. */
export async function letGo(
  play: Play,
  { held, life, answer: given, attempt }: AskedCall,
  how: Letting,
): Promise<void> {
  const wasAlive = !life.isOver && play.w.sandboxes.living().some((name) => name.endsWith(attempt));
  held.letGo(how);
  const status = await given;
  const isSeen = wasAlive && !life.isOver && how === "whole" && status !== 0;
  (isSeen ? play.counted : play.uncertain).add(held);
}

/** The store answers a repeated commit as it did, for ten minutes; what settles or claims is refused ever after. */
const rememberedMs = 10 * minuteMs;

async function commitAgain(play: Play, which: number): Promise<void> {
  const { w, commits } = play;
  const given = commits[commits.length - 1 - (which % Math.max(1, commits.length))];
  if (given === undefined || w.life.isOver) return;
  const age = w.now() - given.commit.now;
  if (given.commit.op.startsWith("draw/") && (age < 0 || age >= rememberedMs)) return;
  const before = await moneyState(w);
  const again = await w.store.commit(given.commit);
  if (again.ok) expect(numbersOf(again)).toEqual(numbersOf(given.result));
  expect(await moneyState(w), `${given.commit.op} once more`).toEqual(before);
}

/** Long after everything has ended, no operation that is repeated does anything, although the store has forgotten it. */
export async function commitAllAgain({ w, commits }: Play): Promise<void> {
  const before = await moneyState(w);
  for (const { commit } of commits) await w.store.commit(commit);
  expect(await moneyState(w), "every commit once more").toEqual(before);
}

const numbersOf = (result: CommitResult): unknown => (result.ok ? [result.fences, result.numbers] : result);
