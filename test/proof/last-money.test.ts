/** A thousand starts from four processes want the last ten dollars of one repository: together they get no more. */
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
import { counters } from "../../src/records/document.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { needs } from "../world/needs.ts";
import { openUpstash } from "../world/upstash/upstash.ts";

const run = promisify(execFile);
const child = join(import.meta.dirname, "last-money-child.ts");
const Given = z.object({ given: z.number(), times: z.number() });

async function race(place: readonly string[]): Promise<{ given: number; times: number }> {
  const racers = ["a", "b", "c", "d"].map(async (me) => {
    const { stdout } = await run(process.execPath, [child, "--me", me, "--draws", "250", ...place]);
    return Given.parse(JSON.parse(stdout));
  });
  const all = await Promise.all(racers);
  const sum = (key: "given" | "times"): number => all.reduce((total, each) => total + each[key], 0);
  return { given: sum("given"), times: sum("times") };
}

async function expectTenDollars(store: Store, name: string, { given, times }: { given: number; times: number }) {
  const scope = counters.used("repository/r1/2026-11-25");
  const [used] = await store.look(Instant.parse(Date.UTC(2026, 10, 25, 14)), [{ counter: scope }]);
  await store.close();
  console.log(
    `last-money: ${name}: 1000 starts from 4 processes, ${times} given, ${given} of ${usd(10)} micro-dollars`,
  );
  expect(given).toBe(used);
  expect(given).toBeLessThanOrEqual(usd(10));
  // What is left is less than the cheapest start.
  expect(given).toBeGreaterThan(usd(10) - 20_000);
}

test("on one file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "parhelia-money-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "orchestrator.db");
  await openSqliteStore({ path }).close();
  const raced = await race(["--path", path]);
  await expectTenDollars(openSqliteStore({ path }), "SQLite", raced);
});

test.skipIf(!needs("redis-server"))("on Redis", async () => {
  const { url, token, close } = await openUpstash();
  onTestFinished(close);
  const raced = await race(["--url", url, "--token", token]);
  await expectTenDollars(openRedisStore({ url, token, replica: "test" }), "Redis", raced);
});
