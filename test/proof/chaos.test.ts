/** 30 tasks on 3 installations, whose deliveries, calls, sandboxes, clock, services and database all fail: the end is that of the calm run. */
import { afterAll, describe, expect, test, type TestContext } from "vitest";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { elsewhere, playChaos, type Outcome, type Storm } from "../world/chaos.ts";
import { needs } from "../world/needs.ts";
import { openUpstash } from "../world/upstash/upstash.ts";
import { world, type WorldOptions } from "../world/world.ts";

const given = process.env["PARHELIA_SEED"];
const seeds = given === undefined ? [1, 2, 3, 4, 5] : [Number(given)];
/** The same for every seed, and for every store. */
const calmly = run(undefined, {});

async function run(storm: Storm | undefined, options: WorldOptions): Promise<Outcome> {
  let outcome: Outcome | undefined;
  await world(
    async (w) => {
      outcome = await playChaos(w, 30, storm);
      w.takeFaults();
    },
    { elsewhere, ...options },
  );
  if (outcome === undefined) throw new Error("nothing was played");
  return outcome;
}

/** Three services on one Redis, which itself is started again in the middle. */
async function runOnRedis(seed: number, onTestFinished: TestContext["onTestFinished"]): Promise<Outcome> {
  const upstash = await openUpstash();
  onTestFinished(() => upstash.close());
  const { url, token } = upstash;
  const also = [{ name: "redis restarted", happen: () => upstash.restartRedis() }];
  return run({ seed, also }, { shared: { replicas: 3, open: (replica) => openRedisStore({ url, token, replica }) } });
}

const total: Record<string, number> = {};
let deliveries = 0;

async function expectTheCalmEnd(chaos: Outcome): Promise<void> {
  expect(chaos.end).toEqual((await calmly).end);
  expect(chaos.deliveries).toBeGreaterThanOrEqual(300);
  deliveries += chaos.deliveries;
  for (const [name, count] of Object.entries(chaos.faults)) total[name] = (total[name] ?? 0) + count;
}

describe("the end is that of the calm run", () => {
  test.each(seeds)("one service: seed %i", async (seed) => expectTheCalmEnd(await run({ seed }, {})));

  test.skipIf(!needs("redis-server")).for(seeds)("three services on Redis: seed %i", async (seed, { onTestFinished }) =>
    expectTheCalmEnd(await runOnRedis(seed, onTestFinished)),
  );
});

afterAll(() =>
  console.log(`chaos: seeds ${seeds.join(" ")}; 30 tasks each; ${deliveries} deliveries; ${JSON.stringify(total)}`),
);
