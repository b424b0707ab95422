import { expect, test } from "vitest";
import { usageCost } from "../../src/core/pricing.ts";
import { laterUsage, readUsage } from "../../src/gateway/model/usage.ts";

const plain = { input_tokens: 7, output_tokens: 9 };

test("each kind of token is read apart", () => {
  const raw = {
    ...plain,
    cache_read_input_tokens: 5,
    cache_creation_input_tokens: 30,
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    inference_geo: "us",
  };
  expect(readUsage(raw, "5m")).toEqual({
    inputTokens: 7,
    outputTokens: 9,
    cacheReadTokens: 5,
    cacheWrite5mTokens: 10,
    cacheWrite1hTokens: 20,
    inferenceGeo: "us",
  });
});

test("cache writes that are not divided, or not wholly, count as the longest that the request asked for", () => {
  const undivided = { ...plain, cache_creation_input_tokens: 30 };
  expect(readUsage(undivided, "5m")).toMatchObject({ cacheWrite5mTokens: 30, cacheWrite1hTokens: 0 });
  expect(readUsage(undivided, "1h")).toMatchObject({ cacheWrite5mTokens: 0, cacheWrite1hTokens: 30 });
  const partly = { ...undivided, cache_creation: { ephemeral_5m_input_tokens: 10 } };
  expect(readUsage(partly, "1h")).toMatchObject({ cacheWrite5mTokens: 10, cacheWrite1hTokens: 20 });
  // More divided than summed: the division stands.
  const more = { ...plain, cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 } };
  expect(readUsage(more, "5m")).toMatchObject({ cacheWrite5mTokens: 10, cacheWrite1hTokens: 20 });
});

test("a search of the web costs a cent beside its tokens, a fetched page nothing", () => {
  const served = { web_search_requests: 3, web_fetch_requests: 4 };
  const used = readUsage({ ...plain, server_tool_use: served }, "5m");
  expect(used).toMatchObject({ webSearches: 3 });
  expect(used === undefined ? 0 : usageCost("claude-opus-5-5", used)).toBe(7 * 4 + 9 * 20 + 3 * 10_000);
  const none = { web_search_requests: 0, web_fetch_requests: null };
  expect(readUsage({ ...plain, server_tool_use: none }, "5m")).not.toHaveProperty("webSearches");
});

test.each([
  ["another tool that the API ran", { server_tool_use: { code_execution_requests: 1 } }],
  ["a tool with a count that is no count", { server_tool_use: { other: "2" } }],
  ["searches that are no count", { server_tool_use: { web_search_requests: "1" } }],
  ["a call beside the one that was asked for", { iterations: [{ type: "message" }, { type: "compaction" }] }],
  ["a fast answer", { speed: "fast" }],
  ["no output", { output_tokens: null }],
  ["fractions", { input_tokens: 1.5 }],
  ["less than nothing", { cache_read_input_tokens: -1 }],
  ["more than any call counts", { input_tokens: 1_000_000_001 }],
  ["text", { cache_creation_input_tokens: "30" }],
])("%s is beyond the table: no usage, so that the worst case is charged", (_, extra) => {
  expect(readUsage({ ...plain, ...extra }, "5m")).toBeUndefined();
  expect(readUsage(plain, "5m")).toBeDefined();
});

test("the most that can be counted stays within what money can be", () => {
  const most = 1_000_000_000;
  const raw = {
    input_tokens: most,
    output_tokens: most,
    cache_read_input_tokens: most,
    cache_creation: { ephemeral_5m_input_tokens: most, ephemeral_1h_input_tokens: most },
    server_tool_use: { web_search_requests: most },
    inference_geo: "us",
  };
  const used = readUsage(raw, "5m");
  expect(used).toBeDefined();
  expect(used === undefined ? 0 : usageCost("claude-unknown", used)).toBeGreaterThan(most);
});

test("a later count replaces an earlier one field by field; what it leaves out or leaves empty stays", () => {
  const start = laterUsage(undefined, { ...plain, cache_read_input_tokens: 5 });
  expect(laterUsage(start, { output_tokens: 400, cache_read_input_tokens: null })).toEqual({
    input_tokens: 7,
    output_tokens: 400,
    cache_read_input_tokens: 5,
  });
  expect(laterUsage(start, "nothing")).toBe(start);
  expect(readUsage(laterUsage(undefined, undefined), "5m")).toBeUndefined();
});
