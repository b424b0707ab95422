import { expect, test } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import { Busy } from "../../src/core/busy.ts";
import { latestOnly } from "../../src/github/report/latest.ts";
import { openLimits } from "../../src/github/limits.ts";
import { openWriter } from "../../src/github/writer.ts";

function handClock() {
  let nowMs = 1_000_000_000_000;
  return {
    now: () => Instant.parse(nowMs),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const busyUntil = async (job: () => unknown): Promise<number | undefined> => {
  try {
    await job();
    return undefined;
  } catch (error) {
    if (error instanceof Busy) return error.until;
    throw error;
  }
};

const said = (message: string, headers: Record<string, string> = {}) => ({ status: 403, message, headers });
const secondary = said("You have exceeded a secondary rate limit. Please wait a few minutes before you try again.");

test("new comments go a second apart, in the order of asking, and a turn is kept", async () => {
  const clock = handClock();
  const writer = openWriter(clock);
  const sent: string[] = [];
  const create = (key: string) => busyUntil(() => writer.createInTurn(key, async () => sent.push(key)));
  const start = clock.now();
  expect(await create("a")).toBeUndefined();
  expect(await create("b")).toBe(start + 1_000);
  expect(await create("c")).toBe(start + 2_000);
  expect(await create("c")).toBe(start + 2_000);
  clock.pass(1_000);
  expect(await create("c")).toBe(start + 2_000);
  expect(await create("b")).toBeUndefined();
  clock.pass(1_000);
  expect(await create("c")).toBeUndefined();
  expect(sent).toEqual(["a", "b", "c"]);
});

test("writes go one at a time, and one that fails stops nobody", async () => {
  const writer = openWriter(handClock());
  const order: string[] = [];
  const first = writer.send(async () => {
    order.push("first begins");
    await Promise.resolve();
    order.push("first ends");
    throw new Error("no");
  });
  const second = writer.send(async () => order.push("second"));
  await expect(first).rejects.toThrow("no");
  await second;
  expect(order).toEqual(["first begins", "first ends", "second"]);
});

test("of updates that wait behind one, only the newest is sent, and all hear of it", async () => {
  const seen: number[] = [];
  const gates: (() => void)[] = [];
  const send = latestOnly(async (input: number) => {
    seen.push(input);
    await new Promise<void>((resolve) => gates.push(resolve));
    return input;
  });
  const first = send("t", 1);
  await Promise.resolve();
  const others = [send("t", 2), send("t", 3), send("t", 4)];
  gates.shift()?.();
  expect(await first).toBe(1);
  await expect.poll(() => gates.length).toBe(1);
  gates.shift()?.();
  expect(await Promise.all(others)).toEqual([4, 4, 4]);
  expect(seen).toEqual([1, 4]);
});

test("a secondary limit without Retry-After pauses writes for a minute, then longer; reads go on", async () => {
  const clock = handClock();
  const limits = openLimits(clock);
  const pauses: number[] = [];
  for (let n = 0; n < 4; n += 1) {
    const now = clock.now();
    const busy = limits.failed("write", secondary);
    pauses.push((busy?.until ?? 0) - now);
    expect(() => limits.gate("write")).toThrow(Busy);
    expect(() => limits.gate("read")).not.toThrow();
    clock.pass(pauses[n] ?? 0);
  }
  expect(pauses).toEqual([60_000, 120_000, 240_000, 480_000]);
  expect(() => limits.gate("write")).not.toThrow();
  limits.succeeded("write");
  expect(limits.failed("write", secondary)?.until).toBe(clock.now() + 60_000);
});

test("a 403 of another kind is no limit", () => {
  const limits = openLimits(handClock());
  expect(limits.failed("write", said("Resource not accessible by integration"))).toBeUndefined();
  expect(limits.failed("write", said("issue is locked", { "x-ratelimit-remaining": "4999" }))).toBeUndefined();
  expect(() => limits.gate("write")).not.toThrow();
});

test("the primary limit stops everything until its reset, Retry-After is kept to the second", () => {
  const clock = handClock();
  const limits = openLimits(clock);
  const reset = String(clock.now() / 1000 + 600);
  const primary = said("API rate limit exceeded", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset });
  expect(limits.failed("read", primary)?.until).toBe(clock.now() + 601_000);
  expect(() => limits.gate("read")).toThrow(Busy);
  expect(() => limits.gate("write")).toThrow(Busy);
  clock.pass(601_000);
  expect(limits.failed("write", said("slow down", { "retry-after": "7" }))?.until).toBe(clock.now() + 7_000);
});
