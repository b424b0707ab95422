/** A runner whose calls come to several replicas in turn: each knows only a part of what was said, and nothing shows. */
import { expect, test } from "vitest";
import { secondMs } from "../../src/core/instant.ts";
import { listEvents } from "../../src/records/events.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { needs } from "../world/needs.ts";
import { openUpstash } from "../world/upstash/upstash.ts";
import { world } from "../world/world.ts";

test.skipIf(!needs("redis-server"))(
  "words said to two replicas in turn are kept once and in order",
  async ({ onTestFinished }) => {
    const { url, token, close } = await openUpstash();
    onTestFinished(close);
    await world(
      async (w) => {
        await w.comment("/parhelia run fix it");
        await w.dispatch();
        const inside = w.inside();
        for (let n = 1; n <= 7; n += 1) {
          const event = { type: "agent_text", level: "info", message: `word ${n}` } as const;
          expect(await inside.says(event)).toBe(n);
        }
        await w.dispatch();
        const { id } = await w.task();
        const events = await listEvents(w.store, w.now(), { task: id, level: "debug", limit: 100 });
        const words = events.filter(({ event }) => event.type === "agent_text").map(({ event }) => event.message);
        expect(words.toReversed()).toEqual(Array.from({ length: 7 }, (_, n) => `word ${n + 1}`));
        // Both replicas know the attempt; one of them ends it.
        await w.comment("/parhelia cancel");
        await w.dispatch();
        await w.pass(20 * secondMs);
        expect(await w.task()).toMatchObject({ state: "cancelled" });
        const push = {
          method: "POST",
          body: JSON.stringify({ events: [{ n: 8, at: 0, type: "heartbeat", level: "debug", message: "" }] }),
        };
        for (let call = 0; call < 4; call += 1) {
          expect((await inside.call("/gateway/events", push)).status).toBe(410);
          expect((await inside.call("/gateway/inbox?after=1")).status).toBe(410);
        }
      },
      { shared: { replicas: 2, open: (replica) => openRedisStore({ url, token, replica }) } },
    );
  },
);
