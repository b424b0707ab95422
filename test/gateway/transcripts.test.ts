/**
 * What Claude Code claims in recorded runs, against our own prices and our own meter. A claim that is not the price of what
 * its own lines show has its reason written here.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { usageCost } from "../../src/core/pricing.ts";
import { readClaude } from "../../src/runner/agents/claude-code.ts";
import { json, modelStage, request, stream, usage } from "./model-stage.ts";

const count = z.int().min(0);

/** Of one model, as Claude Code sums it up. Cache writes that it does not divide by lifetime are those for 5 minutes. */
const ModelSum = z.object({
  inputTokens: count,
  outputTokens: count,
  cacheReadInputTokens: count,
  cacheCreationInputTokens: count,
  cacheCreationEphemeral1hInputTokens: count,
  webSearchRequests: count,
  costUSD: z.number(),
});
type ModelSum = z.output<typeof ModelSum>;

const Result = z.object({
  type: z.literal("result"),
  total_cost_usd: z.number(),
  usage: z.object({ input_tokens: count, output_tokens: count }),
  modelUsage: z.record(z.string(), ModelSum),
  model_usage_since_last_result: z.record(z.string(), ModelSum),
});

const Said = z.object({
  type: z.literal("assistant"),
  message: z.object({ id: z.string(), usage: z.object({ input_tokens: count, output_tokens: count }) }),
});

const linesOf = (name: string): string[] =>
  readFileSync(join(import.meta.dirname, "../fixtures/claude", `${name}.jsonl`), "utf8")
    .trim()
    .split("\n");

function recorded(name: string) {
  const lines = linesOf(name);
  const parsed = lines.map((line): unknown => JSON.parse(line));
  const claude = readClaude();
  return {
    parsed,
    result: Result.parse(parsed.at(-1)),
    /** Message ids of the calls whose answers are among the lines. */
    shown: new Set(parsed.flatMap((line) => Said.safeParse(line).data?.message.id ?? [])),
    claims: lines.flatMap((line) => claude.read(line)).filter((fact) => fact.type === "agent_claim"),
  };
}

const priced = (sums: Readonly<Record<string, ModelSum>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(sums).map(([model, sum]) => [
      model,
      usageCost(model, {
        inputTokens: sum.inputTokens,
        outputTokens: sum.outputTokens,
        cacheReadTokens: sum.cacheReadInputTokens,
        cacheWrite5mTokens: sum.cacheCreationInputTokens - sum.cacheCreationEphemeral1hInputTokens,
        cacheWrite1hTokens: sum.cacheCreationEphemeral1hInputTokens,
        webSearches: sum.webSearchRequests,
      }),
    ]),
  );

const claimed = (sums: Readonly<Record<string, ModelSum>>): Record<string, number> =>
  Object.fromEntries(Object.entries(sums).map(([model, { costUSD }]) => [model, Math.round(costUSD * 1e6)]));

const sumOf = (amounts: Readonly<Record<string, number>>): number =>
  Object.values(amounts).reduce((sum, each) => sum + each, 0);

/** What each call of these recordings used: 1,000 in, 50 out, 200 written to the cache, 300 read from it. */
const oneCall = 1000 * 4 + 50 * 20 + 200 * 5 + 300 * 0.2;

test.each([
  { name: "resume1", calls: 2, shown: 2, reason: "each call is shown" },
  { name: "resume2", calls: 2, shown: 2, reason: "a resumed run claims what it used itself" },
  { name: "budget", calls: 5, shown: 5, reason: "the answer that reached its own limit was billed as well" },
  { name: "subagent", calls: 3, shown: 2, reason: "a helper's call is billed and not shown" },
  { name: "e429once", calls: 1, shown: 1, reason: "a call that was refused for its rate cost nothing" },
  { name: "partial", calls: 2, shown: 2, reason: "pieces of an answer are no calls of their own" },
])("$name: the claim is our own price, and $reason", ({ name, calls, shown }) => {
  const run = recorded(name);
  const ours = priced(run.result.model_usage_since_last_result);

  expect(ours).toEqual(claimed(run.result.model_usage_since_last_result));
  expect(sumOf(ours)).toBe(calls * oneCall);
  expect(run.shown.size).toBe(shown);
  expect(run.claims).toMatchObject([{ claimedMicroUsd: calls * oneCall }]);
});

test("resume1, resume2: the total of a resumed session holds the run before it, whose attempt was charged already", () => {
  const [first, second] = [recorded("resume1"), recorded("resume2")];
  const total = Math.round(second.result.total_cost_usd * 1e6);

  expect(total).toBe(sumOf(priced(second.result.modelUsage)));
  expect(total).toBe(24_240);
  expect([first, second].flatMap((run) => run.claims.map((claim) => claim.claimedMicroUsd))).toEqual([12_120, 12_120]);
});

test("budget, subagent: the count that stands beside the total leaves calls out that the total has", () => {
  const tokens = (name: string) => {
    const { result } = recorded(name);
    const billed = Object.values(result.modelUsage).reduce((sum, each) => sum + each.inputTokens, 0);
    return { beside: result.usage.input_tokens, billed };
  };
  // The one that went over the limit; the helper's.
  expect(tokens("budget")).toEqual({ beside: 4000, billed: 5000 });
  expect(tokens("subagent")).toEqual({ beside: 2000, billed: 3000 });
});

test("all: a line shows the count at the start of its answer, so that lines add up to less than the claim", () => {
  for (const name of ["resume1", "resume2", "budget", "subagent", "e429once", "partial"]) {
    const { parsed } = recorded(name);
    const said = parsed.flatMap((line) => Said.safeParse(line).data?.message.usage ?? []);
    expect(said.length).toBeGreaterThan(0);
    expect(said.map((each) => each.output_tokens)).toEqual(said.map(() => 1));
  }
});

test("partial: the recorded stream through the gateway is charged what the agent claims", async () => {
  const run = recorded("partial");
  const Piece = z.object({ type: z.literal("stream_event"), event: z.looseObject({ type: z.string() }) });
  const events = run.parsed.flatMap((line) => Piece.safeParse(line).data?.event ?? []);
  const starts = events.flatMap((event, at) => (event.type === "message_start" ? [at] : []));
  const answers = starts.map((from, place) =>
    events.slice(from, starts[place + 1]).map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
  );
  expect(answers).toHaveLength(2);

  const on = modelStage(() => stream(answers.shift() ?? []));
  for (let call = 0; call < 2; call += 1) await (await on.ask({ ...request, stream: true })).text();
  expect(on.purse.charges()).toEqual([oneCall, oneCall]);
  expect(run.claims).toMatchObject([{ claimedMicroUsd: on.purse.charged() }]);
});

test("e429once: the call that was refused and the one repeated are charged as billed, nothing and once", async () => {
  const run = recorded("e429once");
  const answers = [
    json({ type: "error", error: { type: "rate_limit_error", message: "slow down" } }, 429),
    json({ usage: usage(1000, 50, { cache_creation_input_tokens: 200, cache_read_input_tokens: 300 }) }),
  ];
  const on = modelStage(() => answers.shift() ?? json({}, 500));
  expect((await on.ask(request)).status).toBe(429);
  expect((await on.ask(request)).status).toBe(200);

  expect(on.purse.charges()).toEqual([0, oneCall]);
  expect(run.claims).toMatchObject([{ claimedMicroUsd: on.purse.charged() }]);
});

test("several results of one run are claimed together, each once", () => {
  const claude = readClaude();
  const result = (total: number, since: number) =>
    JSON.stringify({
      type: "result",
      total_cost_usd: total,
      model_usage_since_last_result: { a: { costUSD: since / 2 }, b: { costUSD: since / 2 } },
    });
  // The first stands on 0.5 of a run before.
  const claims = [result(0.51, 0.01), result(0.53, 0.02)].flatMap((line) => claude.read(line));
  expect(claims).toMatchObject([{ claimedMicroUsd: 10_000 }, { claimedMicroUsd: 30_000 }]);

  const older = readClaude();
  const totals = [0.01, 0.03].map((total) => JSON.stringify({ type: "result", total_cost_usd: total }));
  expect(totals.flatMap((line) => older.read(line))).toMatchObject([
    { claimedMicroUsd: 10_000 },
    { claimedMicroUsd: 30_000 },
  ]);
});

test("no claim is below nothing or above what an event can hold", () => {
  const claimOf = (costs: readonly unknown[]) =>
    readClaude().read(
      JSON.stringify({
        type: "result",
        total_cost_usd: 1,
        model_usage_since_last_result: Object.fromEntries(costs.map((costUSD, at) => [`m${at}`, { costUSD }])),
      }),
    );
  expect(claimOf([-3, "x", null])).toMatchObject([{ claimedMicroUsd: 0 }]);
  expect(claimOf([1e308, 1e308])).toMatchObject([{ claimedMicroUsd: 10_000_000_000_000 }]);
});
