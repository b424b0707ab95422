/** What a run will likely take and cost, from what similar ones of the same repository did. */
import { microUsd, plus, type MicroUsd } from "./money.ts";
import { lifetimeMs } from "./next-step.ts";
import { computePrice } from "./pricing.ts";
import type { Spec } from "./task.ts";

/** A run that came to an end. */
export interface PastRun {
  readonly ms: number;
  readonly model: MicroUsd;
  readonly compute: MicroUsd;
}

export interface Spread<T> {
  readonly p50: T;
  readonly p90: T;
}

export interface Estimate {
  /** How many runs it is made from; where none is, only `most` says something. */
  readonly runs: number;
  readonly ms: Spread<number> | undefined;
  readonly cost: Spread<MicroUsd> | undefined;
  /** An agent's budget; of a command, which calls no model, what its sandbox costs in its whole life, where that is less. */
  readonly most: MicroUsd;
  /** Of that, what its sandbox comes to when the work takes all its time. */
  readonly sandbox: MicroUsd;
}

/** The smallest value that so many percent of them do not exceed; undefined of nothing (nearest-rank method). */
export function percentile<T extends number>(values: readonly T[], percent: number): T | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
}

function spread<T extends number>(values: readonly T[]): Spread<T> | undefined {
  const [p50, p90] = [percentile(values, 50), percentile(values, 90)];
  return p50 === undefined || p90 === undefined ? undefined : { p50, p90 };
}

/** `microUsdPerHour` is what the sandbox costs; past sandboxes may have had another price, so their time is priced anew. */
export function estimateOf(spec: Spec, past: readonly PastRun[], microUsdPerHour: MicroUsd): Estimate {
  const sandboxAtMost = capped(computePrice(microUsdPerHour, lifetimeMs({ spec })), spec.budget);
  const most = spec.work.kind === "command" ? sandboxAtMost : spec.budget;
  const costs = past.map(({ ms, model }) => capped(plus(model, computePrice(microUsdPerHour, ms)), most));
  return {
    runs: past.length,
    ms: spread(past.map(({ ms }) => Math.min(ms, spec.timeoutMs))),
    cost: spread(costs),
    most,
    sandbox: capped(computePrice(microUsdPerHour, spec.timeoutMs), spec.budget),
  };
}

const capped = (amount: MicroUsd, most: MicroUsd): MicroUsd => microUsd(Math.min(amount, most));

/** What it may well come to: what nine of ten similar runs stayed within, or its budget where too few are known. */
export const likelyCost = ({ runs, cost, most }: Estimate): MicroUsd =>
  cost === undefined || runs < enoughRuns ? most : cost.p90;

/** With fewer, the dearest of them says little. */
export const enoughRuns = 5;
