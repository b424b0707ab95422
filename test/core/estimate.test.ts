import * as fc from "fast-check";
import { expect, test } from "vitest";
import { enoughRuns, estimateOf, likelyCost, percentile, type PastRun } from "../../src/core/estimate.ts";
import { hourMs, minuteMs } from "../../src/core/instant.ts";
import { microUsd, noMoney, usd } from "../../src/core/money.ts";
import type { Spec } from "../../src/core/task.ts";

const spec: Spec = {
  work: { kind: "agent", instruction: "fix it", body: "", model: null },
  timeoutMs: hourMs,
  budget: usd(5),
  resources: { cpu: 2, memoryMiB: 4096 },
  ref: null,
  publish: true,
};
const command: Spec = { ...spec, work: { kind: "command", argv: ["make"] } };
const run = (ms: number, model: number): PastRun => ({ ms, model: usd(model), compute: usd(99) });

test("of nothing there is no percentile; of one value it is every percentile", () => {
  expect(percentile([], 50)).toBeUndefined();
  for (const percent of [0, 1, 50, 90, 100]) expect(percentile([7], percent)).toBe(7);
});

test("known samples by nearest rank, whatever their order", () => {
  const ten = [10, 1, 9, 2, 8, 3, 7, 4, 6, 5];
  expect([0, 10, 50, 90, 91, 100].map((percent) => percentile(ten, percent))).toEqual([1, 1, 5, 9, 10, 10]);
  expect([50, 90].map((percent) => percentile([3, 3, 3], percent))).toEqual([3, 3]);
  expect([50, 90].map((percent) => percentile([1, 100], percent))).toEqual([1, 100]);
});

test("a percentile is one of the values: the least that so many do not exceed", () => {
  const samples = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(samples, fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const found = percentile(values, percent) ?? Number.NaN;
      const within = (most: number): number => values.filter((value) => value <= most).length;
      expect(values).toContain(found);
      expect(within(found) * 100).toBeGreaterThanOrEqual(percent * values.length);
      expect(within(found - 1) * 100).toBeLessThan(percent * values.length);
    }),
  );
});

test("without history only the bound is known", () => {
  const estimate = estimateOf(spec, [], usd(0.36));
  expect(estimate).toEqual({ runs: 0, ms: undefined, cost: undefined, most: usd(5), sandbox: usd(0.36) });
  expect(likelyCost(estimate)).toBe(usd(5));
});

test("a command, which calls no model, costs what its sandbox does in its whole life, and never more than its budget", () => {
  expect(estimateOf(command, [], usd(0.36))).toMatchObject({ most: usd(0.384), sandbox: usd(0.36) });
  expect(likelyCost(estimateOf(command, [], usd(0.36)))).toBe(usd(0.384));
  expect(estimateOf(command, [], usd(100))).toMatchObject({ most: usd(5), sandbox: usd(5) });
  expect(estimateOf(command, [run(minuteMs, 0)], noMoney)).toMatchObject({ most: 0, cost: { p50: 0, p90: 0 } });
});

test("the time of past sandboxes is priced by what one costs now", () => {
  const past = [run(10 * minuteMs, 1), run(20 * minuteMs, 2)];
  expect(estimateOf(spec, past, usd(0.6)).cost).toEqual({ p50: usd(1.1), p90: usd(2.2) });
  expect(estimateOf(spec, past, noMoney).cost).toEqual({ p50: usd(1), p90: usd(2) });
});

test("too few runs say nothing of what it will likely cost; enough do", () => {
  const past = (count: number): PastRun[] => Array.from({ length: count }, () => run(minuteMs, 1));
  expect(likelyCost(estimateOf(spec, past(enoughRuns - 1), noMoney))).toBe(usd(5));
  expect(likelyCost(estimateOf(spec, past(enoughRuns), noMoney))).toBe(usd(1));
});

test("nothing is negative, nothing above its budget and its time, and the larger figure is the larger one", () => {
  const money = fc.integer({ min: 0, max: 50_000_000 }).map(microUsd);
  const past = fc.array(fc.record({ ms: fc.integer({ min: 0, max: 5 * hourMs }), model: money, compute: money }), {
    maxLength: 30,
  });
  const limits = fc.record({ timeoutMs: fc.integer({ min: 1000, max: 23 * hourMs }), budget: money });
  fc.assert(
    fc.property(fc.constantFrom(spec, command), past, limits, money, (kind, runs, limit, perHour) => {
      const estimate = estimateOf({ ...kind, ...limit }, runs, perHour);
      const { ms, cost, most, sandbox } = estimate;
      expect(Number.isInteger(most)).toBe(true);
      if (kind === spec) expect(most).toBe(limit.budget);
      expect(estimate.runs).toBe(runs.length);
      expect([ms === undefined, cost === undefined]).toEqual([runs.length === 0, runs.length === 0]);
      for (const [low = 0, high = 0, bound] of [
        [0, sandbox, most],
        [0, most, limit.budget],
        [cost?.p50, cost?.p90, most],
        [ms?.p50, ms?.p90, limit.timeoutMs],
      ] as const) {
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeGreaterThanOrEqual(low);
        expect(high).toBeLessThanOrEqual(bound);
      }
      expect(likelyCost(estimate)).toBeLessThanOrEqual(limit.budget);
    }),
  );
});
