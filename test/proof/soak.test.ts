/**
 * Three replicas on one machine, local sandboxes, one Redis: replicas are killed one after the other while they work,
 * Redis is killed in the middle, and every task comes to what it would have come to in calm.
 * PARHELIA_SOAK_TASKS and PARHELIA_SOAK_KILL_S make it smaller.
 */
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { drawFrom } from "../world/chaos-mischief.ts";
import { needs } from "../world/needs.ts";
import { seed } from "./crash-seed.ts";
import { expectSoakEnd } from "./soak-end.ts";
import { openFleet, type Fleet } from "./soak-fleet.ts";
import { lifeOf, type Growth, type Life, type Sample } from "./soak-memory.ts";
import { openAsking, type Asking } from "./soak-tasks.ts";

const count = Number(process.env["PARHELIA_SOAK_TASKS"] ?? 500);
const killEveryS = Number(process.env["PARHELIA_SOAK_KILL_S"] ?? 10);
const isolation = needs("bwrap") ? "bubblewrap" : "none";
const elsewhere = ["bolt/nuts", "cord/knots", "dawn/rays", "east/winds"];

/** What a task in progress needs makes the measure go up and down by 3 MiB; 40 KiB left by each of 200 tasks would break it. */
const heldGrowthAtMostMiB = 8;
/** V8 and the allocator keep room that was once needed, and spread over it, until they have seen the most that there is. */
const residentGrowthAtMost = 1.33;
/** A process that lives shorter is still warming up. */
const comparableS = 60;
const collectEveryS = 5;

const redisAwayMs = 1000;

interface Storm {
  readonly kills: number;
  readonly seconds: number;
  readonly lives: readonly (Life | undefined)[];
}

/** Kills every few seconds and Redis once, until all tasks have said that they ended. */
async function rage(fleet: Fleet, asking: Asking): Promise<Storm> {
  const { replicas, upstash } = fleet;
  const draw = drawFrom(Number(seed));
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const halves: Sample[][] = [[], []];
  const calm = new AbortController();
  let half = 0;
  let kills = 0;
  const work = async (): Promise<void> => {
    let nextSampleS = 0;
    let nextCollectS = 0;
    for (let ended = asking.look(); ended < count && !calm.signal.aborted; ended = asking.look()) {
      if (half === 0 && ended * 2 >= count) {
        half = 1;
        await upstash.killRedis();
        await pause(redisAwayMs);
        await upstash.startRedis();
      }
      const spared = replicas[half];
      if (seconds() >= nextCollectS) {
        spared?.askHeld();
        nextCollectS = seconds() + collectEveryS;
      }
      const residentMiB = spared?.residentMiB();
      const heldMiB = spared?.heldMiB();
      if (seconds() >= nextSampleS && residentMiB !== undefined && heldMiB !== undefined) {
        halves[half]?.push({ atS: seconds(), tasks: ended, residentMiB, heldMiB });
        nextSampleS = seconds() + 1;
      }
      await pause(100);
    }
  };
  const kill = async (): Promise<void> => {
    for (let atS = killEveryS; !calm.signal.aborted; atS += killEveryS) {
      while (seconds() < atS && !calm.signal.aborted) await pause(50);
      if (calm.signal.aborted) return;
      // The one whose memory is watched in this half is spared.
      const victims = replicas.filter((_, index) => index !== half);
      const victim = victims[draw(victims.length)];
      await victim?.kill();
      kills += 1;
      await victim?.start();
    }
  };
  // When the one is over, or breaks off, so is the other.
  const both = [work(), kill()].map((one) => one.finally(() => calm.abort()));
  await Promise.all(both);
  return { kills, seconds: seconds(), lives: halves.map(lifeOf) };
}

test.skipIf(!needs("git") || !needs("redis-server"))(
  `${count} tasks on three replicas, one killed every ${killEveryS} s and Redis once: nothing is lost, doubled or left (${isolation})`,
  { timeout: 3_600_000 },
  async ({ onTestFinished }) => {
    const fleet = await openFleet(onTestFinished, { replicas: 3, isolation, elsewhere });
    for (const replica of fleet.replicas) await replica.start();
    const repositories = ["acme/widgets", ...elsewhere];
    const asking = openAsking(fleet.github, { count, atOnce: 30, repositories });
    const before = fleet.upstash.billed.commands;
    const { kills, seconds, lives } = await rage(fleet, asking);
    const commands = fleet.upstash.billed.commands - before;
    const { attempts } = await expectSoakEnd(fleet, asking.tasks);
    const deliveries = fleet.github.deliveries.attempts().length;
    const memory = lives.map((life) => (life === undefined ? "too short" : memoryWords(life)));
    console.log(
      `soak: seed ${seed}; ${count} tasks in ${attempts} attempts; ${kills} kills of replicas, 1 of Redis; ` +
        `${seconds.toFixed(0)} s, ${(count / seconds).toFixed(2)} tasks/s; of the spared replica, ${memory.join(", then ")}; ` +
        `${(commands / count).toFixed(0)} Redis commands a task; ` +
        `${deliveries} deliveries, ${fleet.redelivered()} of them again; ${isolation}`,
    );
    for (const life of lives) {
      if (life === undefined || life.seconds < comparableS) continue;
      const { held, resident } = life;
      expect(held.toMiB - held.fromMiB, "growth of what it holds").toBeLessThan(heldGrowthAtMostMiB);
      expect(resident.toMiB / resident.fromMiB, "growth of its resident memory").toBeLessThan(residentGrowthAtMost);
    }
  },
);

const memoryWords = ({ held, resident }: Life): string =>
  `RSS ${growthWords(resident)}, held after collection ${growthWords(held)}`;

const growthWords = ({ fromMiB, toMiB, perHundredTasksMiB }: Growth): string =>
  `${fromMiB.toFixed(0)} → ${toMiB.toFixed(0)} MiB (${perHundredTasksMiB.toFixed(1)} MiB each 100 tasks)`;
