/** What a task costs in commands of Upstash, which bills each: counted through the whole service. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { heartbeatEveryMs } from "../../src/core/protocol.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { needs } from "../world/needs.ts";
import { openUpstash } from "../world/upstash/upstash.ts";
import { world } from "../world/world.ts";

test.skipIf(!needs("redis-server"))("a task of ten minutes costs so many commands", async ({ onTestFinished }) => {
  const upstash = await openUpstash();
  onTestFinished(() => upstash.close());
  const { url, token, billed } = upstash;
  const spent: Record<string, number> = {};
  const count = (what: string): void => {
    spent[what] = billed.commands - Object.values(spent).reduce((sum, each) => sum + each, 0);
  };
  await world(
    async (w) => {
      // The first calls bring the scripts.
      await w.dispatch();
      count("scripts");
      await w.dispatch();
      count("a look of an idle loop");
      await w.reconcile();
      count("reconciling");
      await w.comment("/parhelia run fix it");
      await w.dispatch();
      await w.inside().says();
      await w.dispatch();
      count("until it runs");
      for (let beat = 0; beat < (10 * minuteMs) / heartbeatEveryMs; beat += 1) {
        await w.pass(heartbeatEveryMs);
        await w.inside().says({ type: "heartbeat", level: "debug", message: "" });
      }
      count("ten minutes");
      await w.inside().ends({ files: { "a.txt": "mended\n" } });
      await w.pass(30 * secondMs);
      count("to its end");
    },
    { shared: { replicas: 1, open: (replica) => openRedisStore({ url, token, replica }) } },
  );
  // A loop looks every 15 s where nothing is due, and reconciling each minute takes two more: 8,640 a day.
  expect(spent).toMatchObject({ "a look of an idle loop": 1, reconciling: 3 });
  // The README multiplies their sum, about 215, by the price.
  expect(spent["until it runs"]).toBeLessThanOrEqual(40);
  expect(spent["ten minutes"]).toBeLessThanOrEqual(155);
  expect(spent["to its end"]).toBeLessThanOrEqual(32);
});
