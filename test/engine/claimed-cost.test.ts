/** From the model's answer to the ledger: what a call is charged, and what becomes of the agent's own sum. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { monthOf } from "../../src/core/budget.ts";
import { AttemptId } from "../../src/core/ids.ts";
import { secondMs } from "../../src/core/instant.ts";
import { usageCost } from "../../src/core/pricing.ts";
import { ledgerPurse } from "../../src/gateway/ledger-purse.ts";
import { modelRoutes } from "../../src/gateway/model/model-routes.ts";
import { listEvents } from "../../src/records/events.ts";
import type { Entry } from "../../src/records/ledger-entry.ts";
import { entriesOf } from "../../src/records/recount.ts";
import { taskMoney } from "../../src/records/spending.ts";
import { readClaude } from "../../src/runner/agents/claude-code.ts";
import { counted, request, said, started, stopped, stream, usage } from "../gateway/model-stage.ts";
import { unbounded, world, type World } from "../world/world.ts";

/** An agent at work, with the model's door in front of these answers. */
async function agentAtWork(w: World, answers: readonly (readonly string[])[]) {
  await w.comment("/parhelia run fix it");
  await w.dispatch();
  const sandbox = w.inside();
  await sandbox.says();
  await w.dispatch();
  const attempt = AttemptId.parse(sandbox.name.slice("parhelia-".length));
  const lines: Record<string, unknown>[] = [];
  const note = (line: object): void => void lines.push({ ...line });
  const left = answers.map((answer) => [...answer]);
  const app = modelRoutes({
    verify: () => attempt,
    purse: ledgerPurse({ store: w.store, clock: { now: w.now }, budgets: unbounded }),
    upstream: {
      baseUrl: "https://api.example/",
      apiKey: "sk-test",
      fetch: () => Promise.resolve(stream(left.shift() ?? [])),
    },
    allow: { models: ["claude-opus-5-5", "claude-next-1"] },
    log: { info: note, warn: note, error: note },
    now: w.now,
    unique: () => `${left.length}`,
  });
  const calls = async (model: string): Promise<string> => {
    const body = JSON.stringify({ ...request, model, stream: true });
    const headers = { authorization: "Bearer t" };
    return (await app.request("/v1/messages", { method: "POST", headers, body })).text();
  };
  return { sandbox, lines, calls };
}

async function charges(w: World): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const entry of entriesOf(w.store, w.now(), monthOf(w.now()))) found.push(entry);
  // What was held for a first call is given back as a charge of nothing, for no model.
  return found.filter((entry) => entry.do === "charge" && entry.used?.model !== undefined);
}

const disagreements = async (w: World) => {
  const { id } = await w.task();
  const events = await listEvents(w.store, w.now(), { task: id, level: "warning", limit: 50 });
  return events.flatMap(({ event }) => (event.type === "cost_disagreement" ? [event.details] : []));
};

/** Usage as case 16 has it: 1,000 in, 400 out, with earlier counts on the way; then 2,000 in, 50 out. */
const case16 = [
  [
    started(usage(1000, 1)),
    said("hm"),
    counted({ output_tokens: 1 }),
    said("I look."),
    counted({ output_tokens: 400 }),
    stopped,
  ],
  [started(usage(2000, 1)), said("Done."), counted({ output_tokens: 50 }), stopped],
];
const case16Cost = 1000 * 4 + 400 * 20 + 2000 * 4 + 50 * 20;

test("case 16: the charge is each call once as the gateway saw it; what the agent prints adds nothing and its sum is compared", () =>
  world(async (w) => {
    const { sandbox, calls } = await agentAtWork(w, case16);
    await calls("claude-opus-5-5");
    await calls("claude-opus-5-5");
    const printed = readFileSync(join(import.meta.dirname, "../fixtures/claude/repeated-usage.jsonl"), "utf8");
    const claude = readClaude();
    const facts = printed.split("\n").flatMap((line) => claude.read(line));
    expect(facts.at(-1)).toMatchObject({ type: "agent_claim", claimedMicroUsd: 13_250 });
    await sandbox.says(...facts);
    await sandbox.ends();
    await w.pass(30 * secondMs);

    expect((await charges(w)).map(({ amount, used }) => [amount, used?.inputTokens, used?.outputTokens])).toEqual([
      [12_000, 1000, 400],
      [9000, 2000, 50],
    ]);
    expect(await taskMoney(w.store, w.now(), (await w.task()).id)).toMatchObject({ model: case16Cost });
    expect(await disagreements(w)).toEqual([{ claimed_micro_usd: 13_250, counted_micro_usd: case16Cost }]);
  }));

test.each([
  { claim: 21_000, told: 0 },
  // One hundredth of the larger of the two: 212.1 above, 210 below.
  { claim: 21_212, told: 0 },
  { claim: 21_213, told: 1 },
  { claim: 20_790, told: 0 },
  { claim: 20_789, told: 1 },
  { claim: 0, told: 1 },
])("case 16: a claim of $claim micro-dollars against 21,000 is told $told times", ({ claim, told }) =>
  world(async (w) => {
    const { sandbox, calls } = await agentAtWork(w, case16);
    await calls("claude-opus-5-5");
    await calls("claude-opus-5-5");
    await sandbox.says({ type: "agent_claim", level: "info", message: "", claimedMicroUsd: claim, turns: 2 });
    await sandbox.ends();
    await w.pass(30 * secondMs);
    expect(await disagreements(w)).toHaveLength(told);
    expect(await taskMoney(w.store, w.now(), (await w.task()).id)).toMatchObject({ model: case16Cost });
  }),
);

test("a model that the table does not have: the log line and the ledger's entry say so, a known one's do not", () =>
  world(async (w) => {
    const answer = [started(usage(100, 1)), counted(usage(100, 10)), stopped];
    const { sandbox, lines, calls } = await agentAtWork(w, [answer, answer]);
    await calls("claude-opus-5-5");
    await calls("claude-next-1");
    await sandbox.ends();
    await w.pass(30 * secondMs);

    const dearest = 100 * 15 + 10 * 75;
    expect(lines.map((line) => [line["chargedMicroUsd"], "price" in line])).toEqual([
      [600, false],
      [dearest, true],
    ]);
    const [known, unknown] = await charges(w);
    expect(known).toMatchObject({ amount: 600, used: { model: "claude-opus-5-5" } });
    expect(known?.used).not.toHaveProperty("unknownModel");
    expect(unknown).toMatchObject({ amount: dearest, used: { model: "claude-next-1", unknownModel: true } });
  }));

test("each charge can be computed again from its entry, cache and all", () =>
  world(async (w) => {
    const cached = {
      cache_read_input_tokens: 5000,
      cache_creation_input_tokens: 300,
      cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
    };
    const { sandbox, calls } = await agentAtWork(w, [
      [started(usage(10, 1, cached)), counted({ output_tokens: 7 }), stopped],
    ]);
    await calls("claude-opus-5-5");
    await sandbox.ends();
    await w.pass(30 * secondMs);

    const [charge] = await charges(w);
    expect(charge?.prices).toBe("2026-11-24");
    expect(charge?.amount).toBe(
      usageCost(charge?.used?.model ?? "", {
        inputTokens: charge?.used?.inputTokens ?? 0,
        outputTokens: charge?.used?.outputTokens ?? 0,
        cacheReadTokens: charge?.used?.cacheReadTokens ?? 0,
        cacheWrite5mTokens: charge?.used?.cacheWrite5mTokens ?? 0,
        cacheWrite1hTokens: charge?.used?.cacheWrite1hTokens ?? 0,
      }),
    );
    expect(charge?.amount).toBe(10 * 4 + 7 * 20 + 5000 * 0.2 + 100 * 5 + 200 * 8);
  }));
