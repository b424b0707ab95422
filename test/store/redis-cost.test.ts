/** What a task costs in commands of Upstash, which bills each: counted through the whole service and its loop in real time. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { heartbeatEveryMs } from "../../src/core/protocol.ts";
import { needs } from "../world/needs.ts";
import type { Inside } from "../world/sandboxes.ts";
import { stage } from "./redis-stage.ts";

const never = 2 ** 31 - 1;

/** A runner's long polls, one after the other. Returns the way to stop, as the end of its process does. */
function pollInbox(inside: Inside): () => void {
  const over = new AbortController();
  const poll = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const answer = await inside.call("/gateway/inbox?after=0", { signal: over.signal });
      if (answer.status !== 200) return;
    }
  };
  void poll();
  return () => over.abort();
}

/** A result as a runner hands it over: the files, then the seal. */
async function handOver(inside: Inside): Promise<void> {
  const content = Buffer.from("mended\n");
  const path = Buffer.from("a.txt").toString("base64");
  const file = { do: "put", path, mode: "100644", bytes: content.length, content: content.toString("base64") };
  const agent = { isError: false, subtype: "success", apiErrorStatus: null, text: "It is done.", turns: 3 };
  const evidence = { ended: "exited", exitCode: 0, signal: null, agent, because: "", tail: "" };
  const result = { ...evidence, parts: 1, changedFiles: 1, left: [] };
  for (const [method, where, body] of [
    ["PUT", "/gateway/result/1", [file]],
    ["POST", "/gateway/result", result],
  ] as const) {
    expect((await inside.call(where, { method, body: JSON.stringify(body) })).status).toBe(204);
  }
}

/** What a task of ten minutes costs, by its parts. The loop's own looks are an idle day's cost, and counted there. */
async function costOfATask(replicas: number): Promise<Record<string, number>> {
  const costs: Record<string, number> = {};
  await stage({ quietMs: never, reconcileEveryMs: never, replicas }, async (s) => {
    let before = 0;
    const count = (what: string): void => {
      costs[what] = s.spent() - before;
      before = s.spent();
    };
    await s.pass(20 * minuteMs);
    before = s.spent();
    await s.comment("/parhelia run fix it");
    await s.pass(3 * secondMs);
    count("until its sandbox is there");
    const inside = s.sandboxes.inside();
    await inside.job();
    const hangUp = pollInbox(inside);
    await inside.says();
    await s.pass(2 * secondMs);
    count("until it runs");
    for (let beat = 0; beat < (10 * minuteMs) / heartbeatEveryMs; beat += 1) {
      await s.pass(heartbeatEveryMs);
      await inside.says({ type: "heartbeat", level: "debug", message: "" });
    }
    count("ten minutes");
    hangUp();
    await handOver(inside);
    await s.settle();
    await s.pass(30 * secondMs);
    count("to its end");
    expect(s.faults).toEqual([]);
    expect(s.sandboxes.living()).toEqual([]);
  });
  return costs;
}

test.skipIf(!needs("redis-server"))("a task of ten minutes costs so many commands", { timeout: 30_000 }, async () => {
  // The README multiplies their sum by the price.
  expect(await costOfATask(1)).toEqual({
    "until its sandbox is there": 7,
    "until it runs": 5,
    "ten minutes": 27,
    "to its end": 9,
  });
});

test.skipIf(!needs("redis-server"))(
  "with two replicas, to which its calls come in turn, a task costs little more",
  { timeout: 30_000 },
  async () => {
    const costs = Object.values(await costOfATask(2));
    // 76 was counted; who of the two is first to a piece of work is chance.
    expect(costs.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(85);
  },
);

test.skipIf(!needs("redis-server"))(
  "an idle loop looks every 15 s, and reconciling takes two a minute",
  { timeout: 30_000 },
  () =>
    stage({ quietMs: 15 * secondMs, reconcileEveryMs: minuteMs }, async ({ pass, spent }) => {
      await pass(minuteMs);
      const before = spent();
      await pass(10 * minuteMs);
      // 8,640 a day, less those of one moment, which are one call, here ten; and two of the rounds for what was missed.
      expect(spent() - before).toBe(52);
    }),
);
