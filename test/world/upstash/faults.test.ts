/** The ordered faults of the stand-in for Upstash, and the death of the Redis behind it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { Redis } from "@upstash/redis";
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../eventually.ts";
import { needs } from "../needs.ts";
import { type Caller } from "./caller.ts";
import { badGateway, tooManyRequests, type Fault } from "./faults.ts";
import { upstashSuite } from "./suite.ts";
import type { Upstash } from "./upstash.ts";

describe.skipIf(!needs("redis-server"))("faults of the stand-in for Upstash", () => {
  let upstash: Upstash;
  let caller: Caller;
  let redis: Redis;

  const suite = upstashSuite();
  beforeAll(() => {
    ({ upstash, caller } = suite());
    redis = caller.client();
  });

  describe("faults", () => {
    const lost = { hang: "hang", cut: "cut" } as const;
    const attempt = (fault: Fault): Promise<unknown> => {
      const over = new AbortController();
      const { happened } = upstash.faults.next({ command: /^INCR$/ }, fault);
      // Whoever waits for an answer gives up when there will be none.
      if (fault.do === "hang") void happened.then(() => over.abort(new Error("gave up")));
      return caller.client({ signal: () => over.signal }).incr("n");
    };

    test.each<[Fault, string | RegExp]>([
      [{ do: lost.hang, applied: "none" }, "gave up"],
      [{ do: lost.cut, applied: "none" }, "fetch failed"],
      [badGateway("none"), /^Unable to parse response body: <html>/],
      [{ do: "answer", applied: "none", status: 500 }, /^ERR internal error, command was/],
      [tooManyRequests, /^ERR max requests limit exceeded/],
    ])("before the command: %j", async (fault, message) => {
      await expect(attempt(fault)).rejects.toThrow(message);
      expect(upstash.billed.commands).toBe(0);
      expect(await redis.get("n")).toBeNull();
    });

    test.each<[Fault, string | RegExp]>([
      [{ do: lost.hang, applied: "all" }, "gave up"],
      [{ do: lost.cut, applied: "all" }, "fetch failed"],
      [badGateway("all"), /^Unable to parse response body: <html>/],
      [{ do: "answer", applied: "all", status: 503, body: "", headers: { "retry-after": "1" } }, /^Unable to parse/],
      [{ do: "cut-body" }, "terminated"],
    ])("after the command: %j", async (fault, message) => {
      await expect(attempt(fault)).rejects.toThrow(message);
      expect(upstash.billed.byName).toEqual({ INCR: 1 });
      expect(await redis.get("n")).toBe("1");
    });

    test.each<["none" | "all", string | null]>([
      ["none", null],
      ["all", "1"],
    ])("an answer may be late, with %s of it done meanwhile", async (applied, meanwhile) => {
      const gate = Promise.withResolvers<void>();
      const { happened } = upstash.faults.next({ command: /^INCR$/ }, { do: "hold", applied, until: gate.promise });
      const late = redis.incr("n");
      await happened;
      expect(await redis.get("n")).toBe(meanwhile);
      gate.resolve();
      expect(await late).toBe(1);
    });

    test("a caller who gave up before the work began has it done all the same", async () => {
      const gate = Promise.withResolvers<void>();
      const over = new AbortController();
      const { happened } = upstash.faults.next({}, { do: "hold", applied: "none", until: gate.promise });
      void happened.then(() => over.abort(new Error("gave up")));
      await expect(caller.client({ signal: () => over.signal }).incr("n")).rejects.toThrow("gave up");
      gate.resolve();
      await eventually(async () => (await redis.get("n")) === "1", { withinMs: 5000 });
    });

    test("a request that breaks off is no command, and the next one is answered", async () => {
      const { port, hostname } = new URL(upstash.url);
      const socket = connect(Number(port), hostname);
      socket.end("POST / HTTP/1.1\r\nhost: upstash\r\ncontent-length: 100\r\n\r\n[");
      await once(socket.resume(), "close");
      expect(await redis.ping()).toBe("PONG");
      expect(upstash.billed.commands).toBe(1);
    });

    test("a pipeline may break between its commands", async () => {
      upstash.faults.next({ path: /^\/pipeline$/ }, { do: "cut", applied: 2 });
      await expect(redis.pipeline().incr("a").incr("b").incr("c").exec()).rejects.toThrow("fetch failed");
      expect(await redis.mget("a", "b", "c")).toEqual(["1", "1", null]);
      expect(upstash.billed.byName).toEqual({ INCR: 2, MGET: 1 });
    });

    test("with its usual retries the client does twice what was done and not answered", async () => {
      upstash.faults.next({ command: /^INCR$/ }, { do: "cut", applied: "all" });
      const insisting = caller.client({ retry: { retries: 1, backoff: () => 0 } });
      expect(await insisting.incr("n")).toBe(2);
    });

    test("a fault waits for its match, comes as often as it was ordered, and the first that matches comes first", async () => {
      upstash.faults.next({ command: /^EVALSHA$/, argument: /^abc$/ }, badGateway("none"));
      upstash.faults.next({ command: /^GET$/ }, { do: "answer", applied: "none", status: 500 }, 2);
      upstash.faults.next({ path: /^\/$/ }, tooManyRequests);
      const statuses: number[] = [];
      for (const name of ["GET", "GET", "GET", "GET"]) statuses.push((await caller.command(name, "k")).status);
      statuses.push((await caller.command("EVALSHA", "abc", 0)).status);
      expect(statuses).toEqual([500, 500, 429, 200, 502]);
      upstash.faults.next({ command: /^NEVER$/ }, tooManyRequests);
      expect(upstash.faults.unused()).toHaveLength(1);
      upstash.faults.clear();
      expect(upstash.faults.unused()).toEqual([]);
    });

    test("a stream breaks after so many messages, at once, or with Redis, and can be opened again", async () => {
      const open = async () => {
        const stream = await caller.ask("/subscribe/c", { method: "POST" });
        const heard: string[] = [];
        const reading = (async () => {
          for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) heard.push(chunk);
        })();
        const broken = reading.then(
          () => "ended",
          () => "broke",
        );
        await eventually(() => heard.length > 0, { withinMs: 5000 });
        return { heard, broken };
      };
      upstash.faults.next({ path: /^\/subscribe/ }, { do: "cut-stream", messages: 1 });
      const first = await open();
      await redis.publish("c", "one");
      expect(await first.broken).toBe("broke");
      expect(first.heard.join("")).toBe("data: subscribe,c,1\n\ndata: message,c,one\n\n");
      const second = await open();
      upstash.cutStreams();
      expect(await second.broken).toBe("broke");
      const third = await open();
      await upstash.restartRedis();
      expect(await third.broken).toBe("broke");
      upstash.faults.next({ path: /^\/subscribe/ }, { do: "answer", applied: "none", status: 503, body: "" });
      expect((await caller.ask("/subscribe/c", { method: "POST" })).status).toBe(503);
      await eventually(() => upstash.streams() === 0, { withinMs: 5000 });
    });
  });

  describe("Redis", () => {
    test.each(["stopped", "killed"])("keeps what it has acknowledged when it is %s", async (how) => {
      const keys = Array.from({ length: 50 }, (_, place) => `k${place}`);
      await Promise.all(keys.map((key) => redis.set(key, key)));
      if (how === "stopped") await upstash.restartRedis();
      else {
        await upstash.killRedis();
        expect((await caller.command("GET", "k1")).status).toBe(503);
        expect((await caller.ask("/subscribe/c", { method: "POST" })).status).toBe(503);
        await upstash.startRedis();
      }
      expect(await redis.mget(...keys)).toEqual(keys);
    });

    test("killed under load, has everything that was answered and answers again", async () => {
      const answered: number[] = [];
      const busy = Array.from({ length: 8 }, async () => {
        for (;;) answered.push(await redis.incr("n"));
      });
      await eventually(() => answered.length > 200, { withinMs: 10_000 });
      const [ends] = await Promise.all([Promise.allSettled(busy), upstash.killRedis()]);
      expect(ends.every(({ status }) => status === "rejected")).toBe(true);
      await upstash.startRedis();
      expect(Number(await redis.get("n"))).toBeGreaterThanOrEqual(Math.max(...answered));
    });

    test("is gone with its data after the process that started it was killed", async () => {
      const code = `
        const { openRedisServer } = await import(${JSON.stringify(join(import.meta.dirname, "redis-server.ts"))});
        const redis = openRedisServer();
        await redis.start();
        console.log(redis.path);
        setInterval(() => undefined, 1000);`;
      const owner = spawn(process.execPath, ["--input-type=module", "-e", code], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [path] = (await once(createInterface(owner.stdout), "line")) as [string];
      const pid = Number(readFileSync(join(dirname(path), "pid"), "utf8"));
      expect(isAlive(pid)).toBe(true);
      owner.kill("SIGKILL");
      await eventually(() => !isAlive(pid) && !existsSync(dirname(path)), { withinMs: 10_000 });
    });
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
