/**
 * `parhelia e2e`: what only an account can confirm, tried on one. All of it is in an app of its own, named after the run, and
 * the run ends what it made and nothing else; what a run left that was killed, a later one ends.
 */
import { plus, microUsd, type MicroUsd } from "../../core/money.ts";
import { after, minuteMs, type Instant } from "../../core/instant.ts";
import { Refusal } from "../../core/refusal.ts";
import { computePerHour, type ComputePrices } from "../../core/compute-prices.ts";
import { computePrice } from "../../core/pricing.ts";
import type { SandboxName } from "../../core/ids.ts";
import { core } from "./core.ts";
import { facts, isWithin, type Fact, type Level } from "./facts.ts";
import { full } from "./full.ts";
import { openGround, type GroundParts, type OpenedGround } from "./ground.ts";
import { smoke } from "./smoke.ts";
import type { Step } from "./step.ts";

export interface StepOutcome {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "not tried";
  /** Why it failed or was not tried, or what else is worth knowing. */
  readonly because: string;
  readonly tookMs: number;
}

export interface E2eOutcome {
  readonly run: string;
  readonly level: Level;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly passed: boolean;
  readonly steps: readonly StepOutcome[];
  readonly confirmed: readonly Fact[];
  readonly estimate: MicroUsd;
  /** Of all sandboxes, by our own clock and the published prices. */
  readonly cost: MicroUsd;
  /** What earlier runs left behind, and was ended now. */
  readonly swept: readonly SandboxName[];
}

/** No run goes on for longer, and no sandbox of one lives for longer; it fits into a workflow of half an hour. */
export const longestMs = 25 * minuteMs;

export const steps: readonly Step[] = [...smoke, ...core, ...full];
const stepsOf = (level: Level): readonly Step[] => steps.filter((each) => isWithin(each.level, level));

export const estimateOf = (level: Level, prices?: ComputePrices): MicroUsd =>
  plus(
    ...stepsOf(level).map(({ likely }) =>
      computePrice(computePerHour(likely.resources, prices), Math.ceil(likely.seconds * 1000)),
    ),
  );

/** `signal` ends it early; what it made is ended in any case. Throws where not even the account can be opened. */
export async function runE2e(level: Level, parts: GroundParts): Promise<E2eOutcome> {
  const { clock, tell } = parts;
  const startedAt = clock.now();
  const ground = await openGround(parts);
  const done: StepOutcome[] = [];
  const confirmed: Fact[] = [];
  try {
    const swept = await sweep(ground, startedAt);
    for (const step of stepsOf(level)) {
      const outcome = await tried(step, { ground, parts, before: done });
      done.push(outcome);
      tell(`${marks[outcome.outcome]} ${step.name}${outcome.because === "" ? "" : `: ${outcome.because}`}`);
      if (outcome.outcome === "passed") confirmed.push(...step.confirms);
    }
    const left = await ground.end();
    if (left !== undefined) done.push({ name: ending, outcome: "failed", because: left, tookMs: 0 });
    const passed = done.every(({ outcome }) => outcome === "passed");
    const cost = microUsd(ground.cost());
    const estimate = estimateOf(level, parts.prices);
    return {
      run: parts.run,
      level,
      startedAt,
      endedAt: clock.now(),
      passed,
      steps: done,
      confirmed,
      estimate,
      cost,
      swept,
    };
  } finally {
    ground.close();
  }
}

const ending = "all that the run made is ended";
const marks = { passed: "✓", failed: "✗", "not tried": "–" } as const;

interface Around {
  readonly ground: OpenedGround;
  readonly parts: GroundParts;
  readonly before: readonly StepOutcome[];
}

async function tried(step: Step, { ground, parts, before }: Around): Promise<StepOutcome> {
  const { clock, signal } = parts;
  const { name } = step;
  const from = clock.now();
  if (signal.aborted) return { name, outcome: "not tried", because: "the time of the run is up", tookMs: 0 };
  const broken = before.find((each) => each.outcome !== "passed" && smoke.some((one) => one.name === each.name));
  if (broken !== undefined) return { name, outcome: "not tried", because: "there is no image that works", tookMs: 0 };
  try {
    const because = (await orAborted(step.run(ground), signal)) ?? "";
    return { name, outcome: "passed", because, tookMs: clock.now() - from };
  } catch (error) {
    const because = signal.aborted ? "the time of the run was up" : wordsOf(error);
    return { name, outcome: "failed", because, tookMs: clock.now() - from };
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 1000);

/** A call of Modal's client knows no signal; what it still makes is ended with the rest. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(new Refusal("The time of the run is up."));
  signal.addEventListener("abort", stop, { once: true });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** Only what an earlier run must have left: one that goes on beside this has younger ones. */
async function sweep({ sandboxes, run }: OpenedGround, now: Instant): Promise<SandboxName[]> {
  const old = (await sandboxes.list()).filter(
    ({ name, startedAt }) => !name.includes(run) && after(startedAt, longestMs) < now,
  );
  for (const { name } of old) await sandboxes.end(name);
  return old.map(({ name }) => name);
}

/** Of all that there is to confirm, what this level does not look at. */
export const unlookedAt = (level: Level): readonly Fact[] => {
  const looked = new Set(stepsOf(level).flatMap(({ confirms }) => confirms));
  return Object.keys(facts).filter((fact): fact is Fact => !new Set<string>(looked).has(fact));
};
