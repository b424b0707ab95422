/** What Upstash documents that it turns away, and with which words. */
import { beforeAll, describe, expect, test } from "vitest";
import { needs } from "../needs.ts";
import { answer, type Caller } from "./caller.ts";
import { upstashSuite } from "./suite.ts";
import type { Upstash } from "./upstash.ts";

describe.skipIf(!needs("redis-server"))("refusals of the stand-in for Upstash", () => {
  let upstash: Upstash;
  let caller: Caller;

  const suite = upstashSuite();
  beforeAll(() => {
    ({ upstash, caller } = suite());
  });

  const tooLong = "k".repeat(32 * 1024 + 1);
  test.each([
    [["GET"], "ERR wrong number of arguments for 'get' command"],
    [["EVALSHA", "0".repeat(40), 0], "NOSCRIPT No matching script. Please use EVAL."],
    [["BLPOP", "k", 1], /^ERR Command is not available: 'BLPOP'/],
    [["XREAD", "block", 0, "STREAMS", "s", "$"], /^ERR Command is not available: 'XREAD'/],
    [["select", 1], /^ERR Command is not available: 'SELECT'/],
    [["CONFIG", "GET", "*"], /^ERR Command is not available/],
    [["WATCH", "k"], /^ERR Command is not available/],
    [["SUBSCRIBE", "c"], /^ERR Command is not available/],
    [["SET", tooLong, "v"], "ERR max key size exceeded. Limit: 32768 bytes, Actual: 32769 bytes"],
    [["EVAL", "return 1", 2, "short", tooLong, "v"], /^ERR max key size exceeded/],
  ])("%# is 400 with Redis' or Upstash's words", async (words, error) => {
    const { status, body } = await answer(caller.command(...words));
    expect(status).toBe(400);
    expect(body).toEqual({ error: typeof error === "string" ? error : expect.stringMatching(error) });
  });

  test("a stream or a long argument of that name is no blocking one", async () => {
    expect((await caller.command("XREAD", "STREAMS", "block", "0")).status).toBe(200);
    expect((await caller.command("EVAL", "return 1", 0, tooLong)).status).toBe(200);
  });

  test.each([
    ["no token", {}],
    ["another token", { authorization: "Bearer other" }],
  ])("%s is 401", async (_, headers) => {
    expect(await answer(fetch(upstash.url, { method: "POST", body: '["PING"]', headers }))).toEqual({
      status: 401,
      body: { error: "WRONGPASS invalid or missing auth token" },
    });
    expect(upstash.billed.commands).toBe(0);
  });

  test("other methods are 405, what is no command 400", async () => {
    expect((await caller.ask("/", { method: "DELETE" })).status).toBe(405);
    for (const body of ["", "{}", "[]", '[["GET","k"]]', '["SET","k",{}]', "not json"])
      expect([body, (await caller.ask("/", { method: "POST", body })).status]).toEqual([body, 400]);
    expect((await caller.ask("/get/%ff")).status).toBe(400);
    expect((await caller.ask("/get/k", { headers: { "upstash-response-format": "resp2" } })).status).toBe(400);
  });

  test("more than 10 MB is 413, 10 MB is not", async () => {
    const text = (bytes: number) => JSON.stringify(["SET", "k", "v".repeat(bytes - '["SET","k",""]'.length)]);
    const most = 10 * 1024 * 1024;
    expect((await caller.ask("/", { method: "POST", body: text(most) })).status).toBe(200);
    expect(await answer(caller.ask("/", { method: "POST", body: text(most + 1) }))).toEqual({
      status: 413,
      body: { error: `ERR max request size exceeded. Limit: ${most} bytes, Actual: ${most + 1} bytes` },
    });
  });
});
