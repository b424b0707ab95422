/** What a model call holds and is charged, whatever becomes of it. */
import { serve } from "@hono/node-server";
import { expect, onTestFinished, test } from "vitest";
import { microUsd, usd } from "../../src/core/money.ts";
import {
  counted,
  errorOf,
  event,
  json,
  key,
  modelStage,
  request,
  said,
  started,
  stopped,
  stream,
  usage,
} from "./model-stage.ts";

const answered = () => json({ type: "message", usage: usage(100, 10) });

test("case 16: usage repeated in a stream is counted once for each call, the last count winning", async () => {
  const calls = [
    [
      started(usage(1000, 1)),
      said("think"),
      counted({ output_tokens: 1 }),
      said("say"),
      counted({ output_tokens: 400 }),
      stopped,
    ],
    [started(usage(2000, 1)), counted({ output_tokens: 50 }), stopped],
  ];
  const on = modelStage(() => stream(calls.shift() ?? []));
  await (await on.ask({ ...request, stream: true })).text();
  await (await on.ask({ ...request, stream: true })).text();

  expect(on.purse.charges()).toEqual([1000 * 4 + 400 * 20, 2000 * 4 + 50 * 20]);
  expect([...on.purse.settled().values()]).toEqual([1, 1]);
});

test("a stream passes unchanged, however it is cut, and is counted the same", async () => {
  const text = [started(usage(7, 1)), said("→ 日本"), counted(usage(7, 9)), stopped].join("").replaceAll("\n", "\r\n");
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 7, 64, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.slice(at * size, (at + 1) * size),
    );
    const on = modelStage(() => stream(chunks));
    const response = await on.ask({ ...request, stream: true });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(bytes);
    expect(on.purse.charges()).toEqual([7 * 4 + 9 * 20]);
  }
});

test("cache writes for 5 minutes and for 1 hour, and reads, have prices of their own", async () => {
  const split = { cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 } };
  const cached = { cache_creation_input_tokens: 300, cache_read_input_tokens: 1000 };
  const on = modelStage(() =>
    stream([started(usage(1, 1, { ...split, ...cached })), counted(usage(1, 2, cached)), stopped]),
  );
  await (await on.ask({ ...request, stream: true })).text();

  expect(on.purse.charges()).toEqual([4 + 2 * 20 + 100 * 5 + 200 * 8 + 1000 * 0.2]);
});

test("cache writes that are not divided cost what the request asked for", async () => {
  const on = modelStage(() => json({ usage: usage(0, 0, { cache_creation_input_tokens: 100 }) }));
  const marked = (ttl: object) => ({
    ...request,
    system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", ...ttl } }],
  });
  await on.ask(marked({}));
  await on.ask(marked({ ttl: "1h" }));

  expect(on.purse.charges()).toEqual([500, 800]);
});

test("the charge is settled before the agent can see that the answer is complete", async () => {
  const on = modelStage(() => stream([started(usage(1, 1)), counted(usage(1, 1)), stopped]));
  const reader = (await on.ask({ ...request, stream: true })).body?.getReader();
  let seen = "";
  while (!seen.includes("message_stop")) {
    seen += new TextDecoder().decode((await reader?.read())?.value);
  }
  expect(on.purse.charges()).toEqual([24]);
  expect(on.purse.held()).toBe(0);
});

test.each([
  { name: "cut before it began", chunks: [], end: "fail" },
  { name: "without usage", chunks: [started({}), stopped], end: "close" },
  {
    name: "with tools that the API ran",
    chunks: [started(usage(1, 1, { server_tool_use: { code_execution_requests: 1 } })), stopped],
    end: "close",
  },
] as const)("a stream $name is charged its worst case, once", async ({ chunks, end }) => {
  const on = modelStage(() => stream(chunks, end));
  const response = await on.ask({ ...request, stream: true });
  const held = on.purse.held();
  await response.text().catch(() => "cut");

  expect(held).toBeGreaterThan(20_000);
  expect(on.purse.charges()).toEqual([held]);
  expect(on.lines).toMatchObject([{ level: "warn", cost: "unknown", chargedMicroUsd: held }]);
});

test.each([
  { name: "cut by an error", chunks: [started(usage(7, 1)), said("a")], end: "fail" },
  { name: "closed early", chunks: [started(usage(7, 1)), counted(usage(7, 5))], end: "close" },
  { name: "failed half-way", chunks: [started(usage(7, 1)), event({ type: "error", error: {} })], end: "close" },
] as const)("a stream $name is charged what it counted and all the output that it could give", async (cut) => {
  const on = modelStage(() => stream(cut.chunks, cut.end));
  const response = await on.ask({ ...request, stream: true });
  const held = on.purse.held();
  await response.text().catch(() => "cut");

  // In the US, for it did not say where; up to its max_tokens of 1,000.
  const atMost = Math.ceil((7 * 4 + 1000 * 20) * 1.1);
  expect(on.purse.charges()).toEqual([atMost]);
  expect(atMost).toBeLessThan(held);
  expect(on.lines).toMatchObject([{ level: "warn", cost: "unknown", chargedMicroUsd: atMost }]);
});

test("a stream that fails before it begins costs nothing", async () => {
  const on = modelStage(() => stream([event({ type: "error", error: { type: "overloaded_error" } })]));
  await (await on.ask({ ...request, stream: true })).text();
  expect(on.purse.charges()).toEqual([0]);
});

test("when the agent hangs up, the rest is still read and the exact cost charged", async () => {
  const on = modelStage(() => stream([started(usage(10, 1)), said("a"), said("b"), counted(usage(10, 30)), stopped]));
  const reader = (await on.ask({ ...request, stream: true })).body?.getReader();
  await reader?.read();
  await reader?.cancel();
  await expect.poll(() => on.purse.charges()).toEqual([10 * 4 + 30 * 20]);
});

test("a call that never left costs nothing; one that may have arrived costs its worst case", async () => {
  const failing = (code: string) => () => {
    throw new TypeError(`fetch failed with ${key}`, { cause: Object.assign(new Error("no"), { code }) });
  };
  const refused = modelStage(failing("ECONNREFUSED"));
  expect(await errorOf(await refused.ask(request))).toMatchObject({ status: 502, type: "api_error" });
  expect(refused.purse.charges()).toEqual([0]);

  const reset = modelStage(failing("ECONNRESET"));
  const response = await reset.ask(request);
  expect(await response.text()).not.toContain(key);
  expect(reset.purse.charged()).toBeGreaterThan(20_000);
  expect(JSON.stringify(reset.lines)).not.toContain(key);
});

test("max_tokens goes down to what is left, and the thinking budget stays below it", async () => {
  const on = modelStage(answered, usd(0.1));
  await on.ask({ ...request, max_tokens: 64_000 });
  await on.ask({ ...request, max_tokens: 64_000, thinking: { type: "enabled", budget_tokens: 63_999 } });
  const [plain, thinking] = on.sent.map((each): { max_tokens: number; thinking?: { budget_tokens: number } } =>
    JSON.parse(each.body),
  );

  expect(plain?.max_tokens).toBeGreaterThan(3000);
  expect(plain?.max_tokens).toBeLessThan(5000);
  expect(thinking?.thinking?.budget_tokens).toBeLessThan(thinking?.max_tokens ?? 0);
  expect(thinking?.thinking?.budget_tokens).toBeGreaterThan(1024);
  expect(on.purse.peak()).toBeLessThanOrEqual(usd(0.1));
});

test("at nine tenths of the ceiling the agent is told so, behind all that it sent", async () => {
  const on = modelStage(() => json({ type: "message", usage: usage(230_000, 0) }), usd(1));
  const texts = () => on.sent.map(({ body }) => JSON.parse(body).messages.at(-1).content);
  await on.ask(request);
  await on.ask(request);
  const block = { type: "tool_result", tool_use_id: "a", content: "ok" };
  await on.ask({ ...request, messages: [...request.messages, { role: "assistant", content: "Yes" }] });
  await on.ask({ ...request, max_tokens: 300, messages: [{ role: "user", content: [block] }] });
  const told = {
    type: "text",
    text: expect.stringMatching(/^\[From the service that runs you\] \$0\.92 of the \$1\.00 .* \$0\.0800 are left/),
  };
  expect(texts().slice(0, 2)).toEqual(["Hello", [{ type: "text", text: "Hello" }, told]]);
  // After the second answer nothing is left for another.
  expect(texts()).toHaveLength(2);
  const rest = modelStage(() => json({ type: "message", usage: usage(230_000, 0) }), usd(1));
  await rest.ask(request);
  await rest.ask({ ...request, max_tokens: 300, messages: [{ role: "user", content: [block] }] });
  expect(JSON.parse(rest.sent[1]?.body ?? "").messages).toEqual([{ role: "user", content: [block, told] }]);
});

test("where not even a small answer can be paid: 402, with figures, and nothing is sent", async () => {
  const on = modelStage(answered, microUsd(10_000));
  expect(await errorOf(await on.ask(request))).toEqual({
    status: 402,
    type: "billing_error",
    message:
      "budget: $0.00 of $0.0100 are spent or reserved. $0.0100 is left, and even a small answer to this request may cost $0.0171.",
  });
  expect(on.sent).toEqual([]);
});

test("calls at once share the ceiling: never above it, and none is told that a budget in use is used up", async () => {
  const on = modelStage(answered, usd(0.1));
  const responses = await Promise.all(Array.from({ length: 20 }, () => on.ask({ ...request, max_tokens: 2000 })));
  const statuses = responses.map((response) => response.status);

  expect(on.purse.peak()).toBeLessThanOrEqual(usd(0.1));
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
  expect(statuses.filter((status) => status === 200).length).toBe(on.sent.length);
  expect(statuses.filter((status) => status === 429).length).toBe(20 - on.sent.length);
  expect(on.purse.charged()).toBe(600 * on.sent.length);
  expect(on.purse.held()).toBe(0);
});

test("a model that the table does not have is charged the dearest price, and the log says so", async () => {
  const on = modelStage(answered);
  await on.ask(request);
  await on.ask({ ...request, model: "claude-next-1" });

  expect(on.purse.charges()).toEqual([600, 100 * 15 + 10 * 75]);
  expect(on.lines[0]).not.toHaveProperty("price");
  expect(on.lines[1]?.["price"]).toContain("the dearest was taken");
});

test("an agent that is gone before the model answers is charged exactly, over a real connection", async () => {
  const gate = Promise.withResolvers<Response>();
  const on = modelStage(() => gate.promise);
  const port = Promise.withResolvers<number>();
  const server = serve({ fetch: on.app.fetch, hostname: "127.0.0.1", port: 0 }, (at) => port.resolve(at.port));
  onTestFinished(() => void server.close());
  const hangUp = new AbortController();
  const gone = fetch(`http://127.0.0.1:${await port.promise}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": "attempt-token" },
    body: JSON.stringify({ ...request, stream: true }),
    signal: hangUp.signal,
  });
  await expect.poll(() => on.sent.length).toBe(1);
  hangUp.abort();
  await expect(gone).rejects.toThrow("abort");
  await new Promise((next) => setImmediate(next));
  gate.resolve(stream([started(usage(10, 1)), counted(usage(10, 30)), stopped]));

  await expect.poll(() => on.purse.charges()).toEqual([640]);
});
