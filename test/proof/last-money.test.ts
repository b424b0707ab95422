/** A thousand starts from four processes want the last ten dollars of one repository: together they get no more, drawn or claimed. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { Instant } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { counters, indexes } from "../../src/records/document.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { expectLedger } from "../world/ledger.ts";
import { needs } from "../world/needs.ts";
import { openUpstash } from "../world/upstash/upstash.ts";

const run = promisify(execFile);
const child = join(import.meta.dirname, "last-money-child.ts");
const Given = z.object({ given: z.number(), times: z.number() });
type Given = z.output<typeof Given>;

/** Slices alone, and tasks that are claimed with their attempt, their slot and all their slices. */
const ways = ["draws", "claims"] as const;
type Way = (typeof ways)[number];

async function race(how: Way, place: readonly string[]): Promise<Given> {
  const racers = ["a", "b", "c", "d"].map(async (me) => {
    const { stdout } = await run(process.execPath, [child, "--me", me, "--how", how, "--times", "250", ...place]);
    return Given.parse(JSON.parse(stdout));
  });
  const all = await Promise.all(racers);
  const sum = (key: "given" | "times"): number => all.reduce((total, each) => total + each[key], 0);
  return { given: sum("given"), times: sum("times") };
}

/** The cheapest start of each way. */
const cheapest = { draws: 20_000, claims: 30_000 } as const;

async function expectTenDollars(store: Store, name: string, how: Way, { given, times }: Given): Promise<void> {
  const now = Instant.parse(Date.UTC(2026, 10, 25, 14));
  const scope = counters.used("repository/r1/2026-11-25");
  const [used, running, attempts] = await store.look(now, [
    { counter: scope },
    { counter: counters.running },
    { range: indexes.liveAttempts, limit: 1000 },
  ]);
  const { open } = await expectLedger(store, now);
  await store.close();
  console.log(
    `last-money: ${name}: 1000 ${how} from 4 processes, ${times} given, ${given} of ${usd(10)} micro-dollars`,
  );
  expect(given).toBe(used);
  expect([...open.values()].reduce((sum, { amount }) => sum + amount, 0)).toBe(given);
  if (how === "claims") expect([running, attempts.length]).toEqual([times, times]);
  expect(given).toBeLessThanOrEqual(usd(10));
  // What is left is less than the cheapest start.
  expect(given).toBeGreaterThan(usd(10) - cheapest[how]);
}

test.each(ways)("on one file: %s", async (how) => {
  const folder = mkdtempSync(join(tmpdir(), "parhelia-money-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "orchestrator.db");
  await openSqliteStore({ path }).close();
  const raced = await race(how, ["--path", path]);
  await expectTenDollars(openSqliteStore({ path }), "SQLite", how, raced);
});

test.skipIf(!needs("redis-server")).each(ways)("on Redis: %s", async (how) => {
  const { url, token, close } = await openUpstash();
  onTestFinished(close);
  const raced = await race(how, ["--url", url, "--token", token]);
  await expectTenDollars(openRedisStore({ url, token, replica: "test" }), "Redis", how, raced);
});
