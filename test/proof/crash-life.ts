/** One task's life with a service that dies at one point of it and is started again, as an operator would. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect } from "vitest";
import { openStage, type Stage } from "../e2e/service.ts";
import { eventually } from "../world/eventually.ts";
import { expectOneOfEach, type Kind } from "./crash-kinds.ts";

type OnFinished = (close: () => Promise<void>) => void;

/** `store:3:after`: after the third durable write of the service's first process. */
export type Point = `${string}:${number}:${"before" | "after"}`;

const preload = fileURLToPath(new URL("crash-points.ts", import.meta.url));

export interface Life {
  /** The points that the first process passed, in order: `store:3 due task`. */
  readonly points: readonly string[];
  readonly isReached: boolean;
}

/** Throws where the end is not that of an undisturbed life. Without a point the service is not killed. */
export async function live(onFinished: OnFinished, kind: Kind, point?: Point): Promise<Life> {
  const stage = await openStage(onFinished, { script: kind.script, pricePerHour: 3.6 });
  await stage.github.repository("acme/widgets", { "sum.js": "export const sum = (a, b) => a - b;\n" });
  const log = join(stage.root, "points.log");
  const query = new URLSearchParams({ log, ...(point === undefined ? {} : { at: point }) });
  const { isUpAgain } = await start(stage, `--import=${pathToFileURL(preload).href}?${query.toString()}`, log);
  await say(stage, kind.asks, isUpAgain);
  if (kind.state === "cancelled") {
    await eventually(async () => isAtWork(await stage.events()), { withinMs: 60_000 });
    await say(stage, "/parhelia cancel", isUpAgain);
  }
  await stage.ended(60_000);
  // The last writes come after all that can be seen from outside.
  if (isKilled(log)) await isUpAgain;
  await expectOneOfEach(stage, kind, 1);
  const lines = readFileSync(log, "utf8").split("\n");
  const points = lines.flatMap((line) => (line.startsWith("point ") ? [line.slice("point ".length)] : []));
  return { points, isReached: isKilled(log) };
}

const isKilled = (log: string): boolean => existsSync(log) && readFileSync(log, "utf8").includes("killed at ");

const isAtWork = (events: Awaited<ReturnType<Stage["events"]>>): boolean =>
  events.some(({ event }) => event.type === "phase" && event.details?.["phase"] === "work");

/** `isUpAgain` resolves when the service was killed at its point, was started again and listens; else never. */
async function start(stage: Stage, preloading: string, log: string): Promise<{ isUpAgain: Promise<void> }> {
  try {
    await stage.start([preloading]);
  } catch (error) {
    // It may be killed before it listens.
    if (!isKilled(log)) throw error;
    await stage.start();
    return { isUpAgain: Promise.resolve() };
  }
  const isUpAgain = stage.exited().then(() => (isKilled(log) ? stage.start() : new Promise<never>(() => undefined)));
  // Whoever needs it awaits it; a test that ends early stops the service while it starts.
  isUpAgain.catch(() => undefined);
  return { isUpAgain };
}

/** Says it on the issue. What a dead service has not taken is delivered again when it is up, as its operator would ask for. */
async function say({ github, issue }: Stage, body: string, isUpAgain: Promise<void>): Promise<void> {
  github.as("dana").comment("acme/widgets", issue, body);
  const failed = (await github.deliveries.deliverAll()).filter(({ status }) => status !== 202);
  if (failed.length === 0) return;
  await isUpAgain;
  for (const { delivery } of failed) github.deliveries.repeat(delivery);
  for (const { status } of await github.deliveries.deliverAll()) expect(status).toBe(202);
}
