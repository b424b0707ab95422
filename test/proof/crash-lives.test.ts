/**
 * A service dies at every durable write, every write to GitHub and every sandbox call of a task's life, before and after:
 * the only one on its file, and the first of three that share a Redis.
 */
import { afterAll, describe, expect, test } from "vitest";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { live, stories, type Story } from "../world/lives.ts";
import { needs } from "../world/needs.ts";
import type { Shared } from "../world/services.ts";
import { openUpstash } from "../world/upstash/upstash.ts";

const figures: string[] = [];
afterAll(() => console.log(`crash: ${figures.join("; ")}`));

/** Each life has services on a state of its own. Answers which part of the moments was never reached. */
async function dieEverywhere(
  name: string,
  story: Story,
  { shared, every }: { shared: () => { shared?: Shared }; every: number },
): Promise<number> {
  const { calls } = await live(story, shared());
  const wrong: string[] = [];
  let runs = 0;
  let missed = 0;
  for (const [index, call] of calls.entries()) {
    for (const [at, when] of (["before", "after"] as const).entries()) {
      if ((2 * index + at) % every !== 0) continue;
      runs += 1;
      await live(story, { ...shared(), death: { nth: index + 1, when } }).then(
        ({ died }) => (missed += died ? 0 : 1),
        (error: unknown) => wrong.push(`${when} call ${index + 1} (${call}): ${String(error)}`),
      );
    }
  }
  figures.push(`${name} ${calls.length} calls, ${runs - missed} deaths, ${wrong.length} other ends`);
  expect(wrong).toEqual([]);
  expect(runs).toBeGreaterThan(10);
  return missed / runs;
}

describe.concurrent("the end is the same, whenever the service dies", () => {
  test.each(Object.entries(stories))("%s", async (name, story) => {
    expect(await dieEverywhere(name, story, { shared: () => ({}), every: 1 })).toBe(0);
  });
});

describe("the end is the same, whenever one of three services on Redis dies", () => {
  test.skipIf(!needs("redis-server")).for(Object.entries(stories))("%s", async ([name, story], { onTestFinished }) => {
    const { url, token, close } = await openUpstash();
    onTestFinished(close);
    let lives = 0;
    const shared = () => {
      const prefix = `life-${(lives += 1)}`;
      return { shared: { replicas: 3, open: (replica: string) => openRedisStore({ url, token, replica, prefix }) } };
    };
    // Who of the three makes a call is chance.
    expect(await dieEverywhere(`${name} on Redis`, story, { shared, every: 1 })).toBeLessThan(0.3);
  });
});
