import { assert, constantFrom, nat, property, record } from "fast-check";
import { expect, test } from "vitest";
import { microUsd, usd } from "../../src/core/money.ts";
import {
  affordableOutputTokens,
  cutUsage,
  computePrice,
  modelPrice,
  mostInputTokens,
  usageCost,
  worstCase,
  type ModelUsage,
} from "../../src/core/pricing.ts";
import { billed } from "../world/model-bill.ts";

const nothing: ModelUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 0,
};

test("each kind of token has its own price", () => {
  const million = 1_000_000;
  const of = (usage: Partial<ModelUsage>) => usageCost("claude-opus-5-5", { ...nothing, ...usage });
  expect(of({ inputTokens: million })).toBe(usd(4));
  expect(of({ outputTokens: million })).toBe(usd(20));
  expect(of({ cacheWrite5mTokens: million })).toBe(usd(5));
  expect(of({ cacheWrite1hTokens: million })).toBe(usd(8));
  expect(of({ cacheReadTokens: million })).toBe(usd(0.2));
});

test("a search of the web costs a cent, wherever the answer was made", () => {
  expect(usageCost("claude-opus-5-5", { ...nothing, webSearches: 1000 })).toBe(usd(10));
  expect(usageCost("claude-opus-5-5", { ...nothing, outputTokens: 1000, webSearches: 1, inferenceGeo: "us" })).toBe(
    32_000,
  );
});

test("a fraction of a micro-dollar is a whole one, and the sum is rounded once", () => {
  expect(usageCost("claude-haiku-5-5", { ...nothing, inputTokens: 1 })).toBe(1);
  expect(usageCost("claude-haiku-5-5", { ...nothing, inputTokens: 10, cacheReadTokens: 100 })).toBe(2);
  expect(usageCost("claude-haiku-5-5", { ...nothing, inputTokens: 10, cacheReadTokens: 101 })).toBe(3);
  expect(usageCost("claude-haiku-5-5", nothing)).toBe(0);
});

test("a long prompt changes the price of the whole call, cached tokens counted", () => {
  const short = { ...nothing, inputTokens: 1000, cacheReadTokens: 99_000, outputTokens: 1000 };
  expect(usageCost("claude-haiku-5-5", short)).toBe(100 + 990 + 500);
  const long = { ...short, cacheWrite5mTokens: 8 };
  expect(usageCost("claude-haiku-5-5", long)).toBe(500 + 4950 + 2500 + 5);
});

test("an answer made in the US costs a tenth more, and the worst case covers it", () => {
  const usage = { ...nothing, outputTokens: 1000 };
  expect(usageCost("claude-opus-5-5", usage)).toBe(20_000);
  expect(usageCost("claude-opus-5-5", { ...usage, inferenceGeo: "us" })).toBe(22_000);
  expect(usageCost("claude-opus-5-5", { ...usage, inferenceGeo: "global" })).toBe(20_000);
});

test("a dated release has the price of its model; an unknown model the dearest of all, and says so", () => {
  expect(modelPrice("claude-haiku-4-5-20251001")).toEqual(modelPrice("claude-haiku-4-5"));
  expect(modelPrice("claude-haiku-4-5").known).toBe(true);
  const unknown = modelPrice("claude-opus-9");
  expect(unknown).toMatchObject({ known: false, input: 15_000_000, output: 75_000_000, cacheWrite1h: 30_000_000 });
});

test("a request's bytes bound its tokens; images and documents are more than their bytes", () => {
  expect(mostInputTokens({ bytes: 50_000, images: 0, documents: 0 })).toBe(52_000);
  expect(mostInputTokens({ bytes: 50_000, images: 2, documents: 0 })).toBe(61_568);
  expect(mostInputTokens({ bytes: 300, images: 0, documents: 1 })).toBe(1_000_000);
  expect(mostInputTokens({ bytes: 30_000_000, images: 0, documents: 0 })).toBe(1_000_000);
});

test("a sandbox costs its share of an hour, rounded up", () => {
  expect(computePrice(usd(4), 3_600_000)).toBe(4_000_000);
  expect(computePrice(usd(4), 1)).toBe(2);
  expect(computePrice(usd(4), 0.2)).toBe(2);
  expect(computePrice(usd(4), 0)).toBe(0);
  expect(computePrice(usd(4), -5)).toBe(0);
  expect(computePrice(microUsd(1), 3_600_001)).toBe(2);
});

const models = constantFrom("claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-5-5", "claude-haiku-4-5");
const tokens = nat(200_000);
const usages = record({ input: tokens, output: tokens, write5m: tokens, write1h: tokens, read: tokens });

test("for any usage the cost is what the bill of another hand says", () => {
  assert(
    property(models, usages, (model, usage) => {
      const cost = usageCost(model, {
        inputTokens: usage.input,
        outputTokens: usage.output,
        cacheWrite5mTokens: usage.write5m,
        cacheWrite1hTokens: usage.write1h,
        cacheReadTokens: usage.read,
      });
      expect(cost).toBe(billed(model, usage));
    }),
  );
});

test("the worst case is never below the cost of any usage within its bounds", () => {
  const geos = constantFrom("us", "global");
  assert(
    property(models, usages, geos, (model, usage, inferenceGeo) => {
      const inputTokens = usage.input + usage.write5m + usage.write1h + usage.read;
      const cost = usageCost(model, {
        inputTokens: usage.input,
        outputTokens: usage.output,
        cacheWrite5mTokens: usage.write5m,
        cacheWrite1hTokens: usage.write1h,
        cacheReadTokens: usage.read,
        inferenceGeo,
      });
      const worst = worstCase({ model, inputTokens, maxOutputTokens: usage.output, cacheTtl: "1h" });
      expect(worst).toBeGreaterThanOrEqual(cost);
    }),
  );
});

test("a cut answer costs no less than the same one whole, and no more than its worst case", () => {
  const geos = constantFrom("us", "global", "", undefined);
  assert(
    property(models, usages, geos, nat(200_000), (model, usage, geo, more) => {
      const seen = {
        inputTokens: usage.input,
        outputTokens: 1,
        cacheWrite5mTokens: usage.write5m,
        cacheWrite1hTokens: usage.write1h,
        cacheReadTokens: usage.read,
        ...(geo === undefined ? {} : { inferenceGeo: geo }),
      };
      const maxOutputTokens = usage.output + more + 1;
      const cut = usageCost(model, cutUsage(seen, maxOutputTokens));
      expect(cut).toBeGreaterThanOrEqual(usageCost(model, { ...seen, outputTokens: usage.output }));
      const inputTokens = usage.input + usage.write5m + usage.write1h + usage.read;
      expect(cut).toBeLessThanOrEqual(worstCase({ model, inputTokens, maxOutputTokens, cacheTtl: "1h" }));
    }),
  );
});

test("the output that money allows fits into the money, and one token more does not", () => {
  assert(
    property(models, tokens, nat(50_000_000), (model, inputTokens, amount) => {
      const call = { model, inputTokens, cacheTtl: "5m" } as const;
      const left = microUsd(amount);
      const output = affordableOutputTokens(call, left);
      const within = worstCase({ ...call, maxOutputTokens: output }) <= left;
      expect({ within: within || output === 0 }).toEqual({ within: true });
      expect(worstCase({ ...call, maxOutputTokens: output + 1 })).toBeGreaterThan(left);
    }),
  );
});
