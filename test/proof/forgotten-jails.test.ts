/**
 * Sandboxes that nobody ends, for real: the service is killed while two jails work and is away until they are gone by their
 * own lifetime, which is four minutes beyond a task's time. What was reserved is the most that they cost.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { eventually } from "../world/eventually.ts";
import { say } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";
import { livingProcesses } from "../e2e/leftovers.ts";
import { openStage } from "../e2e/service.ts";

const ready = needs("git") && needs("bwrap");
const timeMs = 30 * secondMs;
const lifetimeMs = timeMs + 4 * minuteMs;
const pricePerHour = 3.6;
const priceOf = (ms: number): number => Math.ceil((ms * usd(pricePerHour)) / 3_600_000);

/** Sums of the month by their name. */
function sumsIn(root: string): (name: RegExp) => number {
  const db = new DatabaseSync(join(root, ".parhelia", "orchestrator.db"), { readOnly: true });
  const rows = db.prepare("SELECT name, value FROM counter").all();
  db.close();
  return (name) => rows.reduce((sum, row) => sum + (name.test(String(row["name"])) ? Number(row["value"]) : 0), 0);
}

const used = /^used\/service\/\d{4}-\d\d$/;
const spent = /^spent\/service\/\d{4}-\d\d\/compute$/;

test.skipIf(!ready)(
  "two jails whose service was killed end by themselves, within what was reserved",
  async ({ onTestFinished }) => {
    const stage = await openStage(onTestFinished, { script: say("hello"), pricePerHour });
    await stage.github.repository("acme/widgets", { "a.txt": "a\n" });
    await stage.start();
    const begunAt = Date.now();
    const tasks: string[] = [];
    for (const known of [0, 1]) {
      await stage.comment("/parhelia run --timeout 30s -- sleep 1000");
      await eventually(
        async () => {
          const { task } = await stage.view();
          if (task.state !== "running" || tasks.includes(task.id)) return false;
          return tasks.push(task.id) > known;
        },
        { withinMs: timeMs },
      );
    }
    const living = (): string[] => livingProcesses(stage.root, ...tasks);
    expect(tasks.map((task) => livingProcesses(task).length > 0)).toEqual([true, true]);
    await stage.kill();
    expect(living()).not.toEqual([]);
    const reserved = sumsIn(stage.root)(used);
    expect(reserved).toBe(2 * priceOf(lifetimeMs));
    await eventually(async () => living().length === 0, { withinMs: lifetimeMs + 30_000 });
    const awayMs = Date.now() - begunAt;
    console.log(`forgotten-sandboxes: the last process was gone ${Math.round(awayMs / 1000)} s after the first start`);
    await stage.start();
    const { task } = await stage.ended(60_000);
    expect(task.state).toBe("timed-out");
    await stage.expectNothingLeft();
    const sum = sumsIn(stage.root);
    expect(sum(spent)).toBeLessThanOrEqual(reserved);
    // Both were there for all but the seconds in which the second was asked for.
    expect(sum(spent)).toBeGreaterThanOrEqual(2 * priceOf(lifetimeMs - 40_000));
    expect(sum(used), "nothing is reserved any more").toBe(sum(spent));
  },
);
