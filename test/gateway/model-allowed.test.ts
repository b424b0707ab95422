/** What a model call may ask for, what goes up to the API, and what comes back from it. */
import { expect, test } from "vitest";
import { microUsd } from "../../src/core/money.ts";
import { attempt, errorOf, json, key, modelStage, request, usage } from "./model-stage.ts";

const answered = () => json({ type: "message", usage: usage(100, 10) });

test("errors of the API cost nothing and reach the agent, without the key", async () => {
  const on = modelStage(() =>
    json({ type: "error", error: { type: "overloaded_error", message: `busy ${key}` } }, 529, {
      "retry-after": "3",
      "set-cookie": "a=b",
      "anthropic-organization-id": "org",
    }),
  );
  const response = await on.ask(request);

  expect(response.headers.get("retry-after")).toBe("3");
  expect(response.headers.get("set-cookie")).toBeNull();
  expect(response.headers.get("anthropic-organization-id")).toBeNull();
  expect(await errorOf(response)).toEqual({ status: 529, type: "overloaded_error", message: "busy [removed]" });
  expect(on.purse.charges()).toEqual([0]);
  expect(JSON.stringify(on.lines)).not.toContain(key);
});

test.each([401, 402, 403])(
  "the API's %d is about the service's account, and the agent is not told to try again",
  async (code) => {
    const on = modelStage(() => json({ type: "error", error: { type: "x", message: "y" } }, code));
    const response = await on.ask(request);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(await errorOf(response)).toMatchObject({ status: 503, type: "api_error" });
  },
);

test("the request goes up with the service's key, known headers, and nothing of the caller's", async () => {
  const on = modelStage(answered);
  const response = await on.ask(request, {
    "x-app": "cli",
    cookie: "a=b",
    "anthropic-beta": "effort-2025-11-24",
    "anthropic-version": "2023-06-01",
  });

  expect(response.status).toBe(200);
  expect(await response.text()).not.toContain(key);
  expect(on.sent).toHaveLength(1);
  expect(on.sent[0]?.url).toBe("https://api.example/v1/messages?beta=true");
  expect(on.sent[0]?.redirect).toBe("manual");
  expect(Object.fromEntries(on.sent[0]?.headers ?? [])).toEqual({
    "x-api-key": key,
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "effort-2025-11-24",
    "content-type": "application/json",
    accept: "application/json",
  });
  expect(on.purse.charges()).toEqual([600]);
});

test("what goes up is written anew: a key twice in one object cannot show two requests", async () => {
  const on = modelStage(answered);
  await on.ask(
    `{"max_tokens":128000,"model":"claude-opus-5-5","max_tokens":5,"messages":[{"role":"user","content":"x"}]}`,
  );
  expect(on.sent[0]?.body).toBe(
    `{"max_tokens":5,"model":"claude-opus-5-5","messages":[{"role":"user","content":"x"}]}`,
  );
});

test("tokens: Bearer or x-api-key; none, a wrong one, or one of an ended attempt calls nothing", async () => {
  const on = modelStage(answered);
  const post = (headers: Record<string, string>) =>
    on.app.request("/v1/messages", { method: "POST", headers, body: JSON.stringify(request) });
  expect((await post({ "x-api-key": "attempt-token" })).status).toBe(200);
  expect(await errorOf(await post({}))).toMatchObject({ status: 401, type: "authentication_error" });
  expect(await errorOf(await post({ "x-api-key": key }))).toMatchObject({ status: 401 });
  on.purse.shut(attempt);
  expect(await errorOf(await on.ask(request))).toMatchObject({ status: 403, type: "permission_error" });
  expect(await errorOf(await on.call("/v1/messages/count_tokens", request))).toMatchObject({ status: 403 });
  expect(on.sent).toHaveLength(1);
});

test("only the paths that the agent needs exist", async () => {
  const on = modelStage(answered);
  expect((await on.app.request("/", { method: "HEAD" })).status).toBe(200);
  for (const path of ["/v1/messages/batches", "/v1/files", "/v1/models", "/v1/complete", "/v1/messages/../files"]) {
    expect(await errorOf(await on.call(path, request))).toMatchObject({ status: 404, type: "not_found_error" });
  }
  expect((await on.app.request("/v1/messages")).status).toBe(404);
  expect(on.sent).toEqual([]);
});

test("counting tokens is forwarded and free", async () => {
  const on = modelStage(() => json({ input_tokens: 12 }), microUsd(0));
  const { max_tokens: _, ...counting } = request;
  const response = await on.call("/v1/messages/count_tokens", counting);
  expect(await response.json()).toEqual({ input_tokens: 12 });
  expect(on.sent[0]?.url).toBe("https://api.example/v1/messages/count_tokens");
  expect(on.purse.settled().size).toBe(0);
});

const turn = (...content: unknown[]) => ({ messages: [{ role: "user", content }] });

test.each([
  ["a server tool", { tools: [{ type: "web_search_20250305", name: "web_search", max_uses: 5 }] }, "web_search"],
  ["a tool without a schema", { tools: [{ name: "bash" }] }, "bash"],
  [
    "a server tool with a schema",
    { tools: [{ type: "code_execution_20250825", name: "x", input_schema: {} }] },
    "tool x",
  ],
  ["MCP servers", { mcp_servers: [{ type: "url", url: "https://evil.example" }] }, "mcp_servers"],
  ["a container", { container: "c_1" }, "container"],
  ["another tier", { service_tier: "auto" }, "service_tier"],
  ["fast answers", { speed: "fast" }, "speed"],
  ["fallbacks", { fallbacks: [{ model: "claude-fable-5-2" }] }, "fallbacks"],
  ["compaction", { context_management: { edits: [{ type: "compact_20260112" }] } }, "context_management"],
  ["a task budget", { output_config: { task_budget: {} } }, "output_config.task_budget"],
  ["an image by address", turn({ type: "image", source: { type: "url", url: "https://evil.example" } }), "url"],
  ["a file", turn({ type: "document", source: { type: "file", file_id: "f" } }), "file"],
  [
    "a file in a tool result",
    turn({ type: "tool_result", tool_use_id: "t", content: [{ type: "image", source: { type: "file" } }] }),
    "file",
  ],
  ["an upload", turn({ type: "container_upload", file_id: "f" }), "container_upload"],
  [
    "a server tool added on the way",
    turn({
      type: "tool_addition",
      tool: { type: "tool_definition", definition: { type: "web_search_20250305", name: "w" } },
    }),
    "tool w",
  ],
  ["an unknown field of a message", { messages: [{ role: "user", content: "x", container: "c" }] }, "container"],
  ["no limit of output", { max_tokens: undefined }, "max_tokens"],
  ["a limit of text", { max_tokens: "5" }, "max_tokens"],
  ["no messages", { messages: [] }, "messages"],
])("%s is refused with a reason and not forwarded", async (_name, change, reason) => {
  const on = modelStage(answered);
  const error = await errorOf(await on.ask({ ...request, ...change }));
  expect(error).toMatchObject({ status: 400, type: "invalid_request_error" });
  expect(error.message).toContain(reason);
  expect(on.sent).toEqual([]);
  expect(on.purse.held()).toBe(0);
});

test("what the agent needs is let through", async () => {
  const on = modelStage(answered);
  const response = await on.ask({
    ...request,
    system: [{ type: "text", text: "s", cache_control: { type: "ephemeral", ttl: "1h" } }],
    thinking: { type: "adaptive", display: "updates" },
    context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
    output_config: { effort: "medium" },
    metadata: { user_id: "u" },
    tools: [{ name: "Bash", description: "d", input_schema: { type: "object" }, defer_loading: true }],
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "x" },
          { type: "image", source: { type: "base64", media_type: "image/png", data: "AA==" } },
        ],
      },
      { role: "system", content: "later", output_config: { effort: "low" } },
      {
        role: "assistant",
        content: [
          { type: "thinking", thinking: "t", signature: "s" },
          { type: "tool_use", id: "1", name: "Bash", input: { type: "container_upload" } },
        ],
      },
      {
        role: "user",
        content: [{ type: "tool_result", tool_use_id: "1", content: [{ type: "tool_reference", tool_name: "Bash" }] }],
      },
    ],
  });
  expect(response.status).toBe(200);
});

test("unknown betas and models are refused by name", async () => {
  const on = modelStage(answered);
  const beta = await errorOf(await on.ask(request, { "anthropic-beta": "effort-2025-11-24, fast-mode-2026-02-01" }));
  expect(beta).toMatchObject({ status: 400, message: "The beta fast-mode-2026-02-01 is not let through." });
  const model = await errorOf(await on.ask({ ...request, model: "claude-fable-5-2" }));
  expect(model).toMatchObject({ status: 404, type: "not_found_error" });
  expect((await on.ask({ ...request, model: "claude-haiku-4-5-20251001" })).status).toBe(200);
  expect((await on.ask("[]")).status).toBe(400);
  expect((await on.ask("{")).status).toBe(400);
});
