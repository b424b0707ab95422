/** The stand-in for Upstash against what Upstash documents, mostly through its own client. */
import type { Redis } from "@upstash/redis";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "./eventually.ts";
import { needs } from "./needs.ts";
import { answer, type Caller } from "./upstash/caller.ts";
import { upstashSuite } from "./upstash/suite.ts";
import type { Upstash } from "./upstash/upstash.ts";

describe.skipIf(!needs("redis-server"))("the stand-in for Upstash", () => {
  let upstash: Upstash;
  let caller: Caller;
  let redis: Redis;

  const suite = upstashSuite();
  beforeAll(() => {
    ({ upstash, caller } = suite());
    redis = caller.client();
  });

  describe("answers", () => {
    test.each(["", "plain", "OK", "12", "null", "b64+/==", "é 漢 🧵", "a\0b", 'quo"te\\ \n\t', "x".repeat(100_000)])(
      "a value comes back as it was sent (%#)",
      async (value) => {
        expect(await redis.set("k", value)).toBe("OK");
        expect(await redis.get("k")).toBe(value);
        const plain = caller.client({ responseEncoding: false });
        expect(await plain.get("k")).toBe(value);
      },
    );

    test("bytes go in as a body and come out as base64, or with replacement characters", async () => {
      const bytes = Buffer.from([0, 255, 128, 10, 65]);
      expect(await answer(caller.ask("/set/bytes?EX=100", { method: "POST", body: bytes }))).toEqual({
        status: 200,
        body: { result: "OK" },
      });
      const encoded = caller.ask("/get/bytes", { headers: { "upstash-encoding": "base64" } });
      expect((await answer(encoded)).body).toEqual({ result: bytes.toString("base64") });
      expect((await answer(caller.ask("/get/bytes"))).body).toEqual({ result: "\0\ufffd\ufffd\nA" });
      expect((await answer(caller.ask("/ttl/bytes"))).body).toEqual({ result: 100 });
    });

    test("numbers, nothing and nested arrays; only a whole answer of OK is not encoded", async () => {
      const body = JSON.stringify(["EVAL", "return {redis.status_reply('OK'), 7, false, {'a', {}, {'OK'}}}", 0]);
      const response = caller.ask("/", { method: "POST", body, headers: { "upstash-encoding": "base64" } });
      expect((await answer(response)).body).toEqual({ result: ["T0s=", 7, null, ["YQ==", [], ["T0s="]]] });
      const set = caller.ask("/set/k/v", { headers: { "upstash-encoding": "base64" } });
      expect((await answer(set)).body).toEqual({ result: "OK" });
      expect(await redis.eval("return {redis.status_reply('OK'), 7, false, {'a', {}, {'OK'}}}", [], [])).toEqual([
        "OK",
        7,
        null,
        ["a", [], ["OK"]],
      ]);
    });

    test("an integer keeps all its digits", async () => {
      await redis.set("n", "9007199254740992");
      expect(await (await caller.command("INCR", "n")).text()).toBe('{"result":9007199254740993}');
    });

    test("the command may stand in the path, encoded", async () => {
      await caller.ask("/set/a%2Fb%20c/1");
      expect(await redis.get("a/b c")).toBe("1");
      expect(
        (await answer(caller.ask(`/get/a%2Fb%20c?_token=${upstash.token}`, { headers: { authorization: "" } }))).body,
      ).toEqual({
        result: "1",
      });
    });

    test("every answer has a sync token of its own", async () => {
      const tokens = await Promise.all([caller.command("PING"), caller.command("NOPE")]);
      const [first, second] = tokens.map(({ headers }) => headers.get("upstash-sync-token"));
      expect(first).toBeTruthy();
      expect(second).not.toBe(first);
    });
  });

  describe("several commands", () => {
    test("a pipeline answers in order, and one that fails does not stop the rest", async () => {
      const results = await redis.pipeline().set("s", "text").incr("s").incr("n").get("s").exec({ keepErrors: true });
      expect(results).toMatchObject([
        { result: "OK" },
        { error: "ERR value is not an integer or out of range" },
        { result: 1 },
        { result: "text" },
      ]);
    });

    test("a transaction does all, also past one that fails", async () => {
      const answered = caller.ask("/multi-exec", {
        method: "POST",
        body: JSON.stringify([
          ["SET", "s", "x"],
          ["INCR", "s"],
          ["INCR", "n"],
        ]),
      });
      expect(await answer(answered)).toEqual({
        status: 200,
        body: [{ result: "OK" }, { error: "ERR value is not an integer or out of range" }, { result: 1 }],
      });
      expect(await redis.multi().incr("n").get("n").exec()).toEqual([2, "2"]);
    });

    test.each([
      [["BLPOP", "k", 1], /^ERR Command is not available/],
      [["GET"], /^ERR wrong number of arguments/],
    ])("a transaction with %j does nothing at all", async (bad, error) => {
      const answered = caller.ask("/multi-exec", { method: "POST", body: JSON.stringify([["SET", "s", "x"], bad]) });
      expect(await answer(answered)).toEqual({ status: 400, body: { error: expect.stringMatching(error) } });
      expect(await redis.get("s")).toBeNull();
    });

    test("the client sends what is called at the same time as one pipeline, unless it is told not to", async () => {
      const gathering = caller.client({ enableAutoPipelining: true });
      await Promise.all([gathering.set("a", "1"), gathering.set("b", "2")]);
      expect(upstash.billed.requests).toBe(1);
      await Promise.all([redis.set("a", "1"), redis.set("b", "2")]);
      expect(upstash.billed.requests).toBe(3);
      // A caller that reads Redis' words at the start of the message finds others there.
      await expect(gathering.evalsha("0".repeat(40), [], [])).rejects.toThrow(/^Command failed: NOSCRIPT /);
      await expect(redis.evalsha("0".repeat(40), [], [])).rejects.toThrow(/^NOSCRIPT /);
    });

    test("nobody comes between the commands of a transaction", async () => {
      const counting = () => redis.multi().incr("n").incr("n").incr("n").exec<number[]>();
      const all = await Promise.all(Array.from({ length: 20 }, counting));
      for (const [first = 0, ...rest] of all) expect(rest).toEqual([first + 1, first + 2]);
    });
  });

  test("a script is sent once, then called by its hash, until Redis starts again", async () => {
    const script = redis.createScript<[string, number]>("return {ARGV[1], redis.call('INCR', KEYS[1])}");
    expect(await script.exec(["n"], ["é"])).toEqual(["é", 1]);
    expect(await script.exec(["n"], ["é"])).toEqual(["é", 2]);
    expect(upstash.billed.byName).toEqual({ EVALSHA: 2, EVAL: 1 });
    await upstash.restartRedis();
    expect(await script.exec(["n"], ["é"])).toEqual(["é", 3]);
    expect(upstash.billed.byName).toEqual({ EVALSHA: 3, EVAL: 2 });
  });

  test("streams: a consumer's entries are taken over and acknowledged", async () => {
    await redis.xadd("s", "1-0", { a: "1" });
    await redis.xadd("s", "2-0", { a: "2" });
    await redis.xgroup("s", { type: "CREATE", group: "g", id: "0" });
    expect(await redis.xreadgroup("g", "one", "s", ">", { count: 1 })).toEqual([["s", [["1-0", ["a", "1"]]]]]);
    const claimed = await redis.xautoclaim("s", "g", "two", 0, "0");
    expect(claimed).toEqual(["0-0", [["1-0", ["a", "1"]]], []]);
    expect(await redis.xack("s", "g", "1-0")).toBe(1);
    expect(await redis.xrange("s", "2-0", "+")).toEqual([["2-0", ["a", "2"]]]);
  });

  test("pairs are flat, and scores are text", async () => {
    await caller.command("HSET", "h", "a", 1, "b", 2);
    await caller.command("ZADD", "z", "1.5", "x", 3, "y");
    expect((await answer(caller.command("HGETALL", "h"))).body).toEqual({ result: ["a", "1", "b", "2"] });
    expect((await answer(caller.command("hgetall", "h"))).body).toEqual({ result: ["a", "1", "b", "2"] });
    expect((await answer(caller.command("ZRANGE", "z", 0, -1, "WITHSCORES"))).body).toEqual({
      result: ["x", "1.5", "y", "3"],
    });
    expect((await answer(caller.command("zscore", "z", "x"))).body).toEqual({ result: "1.5" });
    expect((await answer(caller.command("SCAN", 0, "MATCH", "h"))).body).toEqual({ result: ["0", ["h"]] });
  });

  test("sorted sets: ranges by text, with bytes of zero within", async () => {
    const members = ["10\0b", "10\0a", "2\0c", "1\0"];
    await redis.zadd("z", { score: 0, member: "1\0" }, ...members.map((member) => ({ score: 0, member })));
    expect(await redis.zrange("z", "-", "+", { byLex: true })).toEqual(["1\0", "10\0a", "10\0b", "2\0c"]);
    expect(await redis.zrange("z", "(10\0a", "[2", { byLex: true })).toEqual(["10\0b"]);
    expect(await redis.zrange("z", "[2", "-", { byLex: true, rev: true, offset: 1, count: 1 })).toEqual(["10\0a"]);
  });

  describe("subscriptions", () => {
    test("the stream begins with the subscription and goes on with what is published", async () => {
      const stream = await caller.ask("/subscribe/%7Bp%7D:wake", {
        method: "POST",
        headers: { accept: "text/event-stream" },
      });
      expect(stream.headers.get("content-type")).toBe("text/event-stream");
      const lines = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
      expect(await lines?.read()).toMatchObject({ value: "data: subscribe,{p}:wake,1\n\n" });
      expect(await redis.publish("{p}:wake", "é,\tand more")).toBe(1);
      expect(await lines?.read()).toMatchObject({ value: "data: message,{p}:wake,é,\tand more\n\n" });
      expect(upstash.streams()).toBe(1);
      await lines?.cancel();
      await eventually(() => upstash.streams() === 0, { withinMs: 5000 });
      await eventually(async () => (await redis.publish("{p}:wake", "gone")) === 0, { withinMs: 5000 });
    });

    test.each([
      ["channel", "message", { channel: "news.1", message: "hello, you" }],
      ["pattern", "pmessage", { pattern: "news.*", channel: "news.1", message: "hello, you" }],
    ] as const)("Upstash's client hears a %s", async (kind, type, heard) => {
      const subscriber = kind === "channel" ? redis.subscribe("news.1") : redis.psubscribe("news.*");
      const message = new Promise((resolve) => subscriber.on(type, resolve));
      await new Promise<number>((resolve) => subscriber.on(kind === "channel" ? "subscribe" : "psubscribe", resolve));
      await redis.publish("news.1", "hello, you");
      expect(await message).toEqual(heard);
      await subscriber.unsubscribe();
    });
  });

  test("the bill counts commands of every kind, requests and bytes; a script is one, and so is what Redis refuses", async () => {
    const before = upstash.billed.now();
    await redis.pipeline().set("a", "1").get("a").get("a").exec();
    await redis.multi().incr("a").incr("a").exec();
    await redis.eval("for i = 1, 100 do redis.call('INCR', KEYS[1]) end", ["a"], []).catch(() => undefined);
    await caller.command("evalsha", "0".repeat(40), 0);
    await caller.command("BLPOP", "k", 1);
    expect(before.commands).toBe(0);
    expect(upstash.billed.now()).toMatchObject({
      commands: 7,
      byName: { SET: 1, GET: 2, INCR: 2, EVAL: 1, EVALSHA: 1 },
      requests: 5,
    });
    const { bytesIn, bytesOut } = upstash.billed.now();
    await caller.command("ECHO", "é");
    expect(upstash.billed.bytesIn - bytesIn).toBe(Buffer.byteLength('["ECHO","é"]'));
    expect(upstash.billed.bytesOut - bytesOut).toBe(Buffer.byteLength('{"result":"é"}'));
  });
});
