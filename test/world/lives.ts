/**
 * Whole lives of tasks in which the service dies at one call and another takes over. What GitHub and the store hold at the
 * end must not tell that it happened.
 */
import { expect } from "vitest";
import { Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { isEnded, type Verdict } from "../../src/core/task.ts";
import { listEvents } from "../../src/records/events.ts";
import { Dropped } from "./github/faults.ts";
import { expectLedger } from "./ledger.ts";
import type { Ending } from "./sandboxes.ts";
import { world, type World, type WorldOptions } from "./world.ts";

export interface Story {
  readonly ask: string;
  readonly ending: Ending;
  /** Said while the sandbox works. */
  readonly later?: string;
  readonly verdict: Verdict;
  readonly pulls: 0 | 1;
}

export const stories = {
  command: { ask: "/parhelia run -- make it", ending: { files: { "a.txt": "a\n" } }, verdict: "succeeded", pulls: 1 },
  agent: { ask: "/parhelia run fix it", ending: { files: { "a.txt": "a\n" } }, verdict: "succeeded", pulls: 1 },
  cancelled: { ask: "/parhelia run fix it", ending: {}, later: "/parhelia cancel", verdict: "cancelled", pulls: 0 },
  failing: {
    ask: "/parhelia run -- false",
    ending: { exitCode: 1, tail: "no such luck\n" },
    verdict: "failed",
    pulls: 0,
  },
} as const satisfies Record<string, Story>;

/** What the first service called, and whether it died of the last of these calls. */
export interface Lived {
  readonly calls: readonly string[];
  readonly died: boolean;
}

/** Plays a story and checks its end. Throws where the end is another than without a death. */
export async function live(story: Story, options: Pick<WorldOptions, "death" | "shared"> = {}): Promise<Lived> {
  let lived: Lived = { calls: [], died: false };
  const test = async (w: World): Promise<void> => {
    const first = w.life;
    await play(w, story);
    lived = { calls: first.calls, died: first.isOver };
    await expectOneOfEach(w, story);
  };
  await world(test, options);
  return lived;
}

/** A runner's own number of tries is not at stake here; this is only the end of a test that never comes to one. */
const roundsAtMost = 300;

async function play(w: World, story: Story): Promise<void> {
  await w.comment(story.ask);
  const acts = actsOf(w, story);
  for (let round = 0; round < roundsAtMost; round += 1) {
    await reviveIfDead(w);
    await w.pass(secondMs);
    if (w.life.isOver) continue;
    const [task] = await w.tasks();
    if (task !== undefined && isEnded(task)) {
      await w.pass(minuteMs);
      if (!w.life.isOver) return;
    }
    const [act] = acts;
    if (act !== undefined && w.sandboxes.living().length > 0 && (await isDone(act))) acts.shift();
  }
  throw new Error("the task never came to its end");
}

/** What the sandbox and people do, one thing at a time. */
function actsOf(w: World, { later, ending }: Story): (() => Promise<void>)[] {
  let said = false;
  const work = async (): Promise<void> => {
    await w.inside().says({ type: "agent_tool", level: "info", tool: "Edit", message: "editing a.txt" });
  };
  if (later === undefined) return [async () => void (await w.inside().says()), work, () => w.inside().ends(ending)];
  const speak = async (): Promise<void> => {
    if (!said) w.github.as("dana").comment("acme/widgets", w.issue, later);
    said = true;
    await w.deliver();
  };
  return [async () => void (await w.inside().says()), work, speak];
}

/** False where the service died meanwhile: whoever asked asks again. */
async function isDone(act: () => Promise<void>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof Dropped) return false;
    throw error;
  }
}

/** Another service starts, and what GitHub could not deliver is delivered again, as its operator would ask for. */
export async function reviveIfDead(w: World): Promise<void> {
  if (!w.life.isOver) return;
  await w.restart();
  const attempts = w.github.deliveries.attempts();
  const done = new Set(attempts.filter(({ status }) => status === 202).map(({ delivery }) => delivery.guid));
  const lost = new Map(
    attempts.filter(({ delivery }) => !done.has(delivery.guid)).map(({ delivery }) => [delivery.guid, delivery]),
  );
  for (const delivery of lost.values()) w.github.deliveries.repeat(delivery);
  await w.deliver();
}

async function expectOneOfEach(w: World, { verdict, pulls, later }: Story): Promise<void> {
  const task = await w.task();
  expect(task).toMatchObject({ state: verdict, attempts: 1 });
  expect(w.sandboxes.made).toHaveLength(1);
  const reports = w.said().filter((body) => body.startsWith("<!-- parhelia task"));
  expect(reports).toHaveLength(1);
  expect(reports[0]).not.toContain("parhelia cancel");
  expect(w.said()).toHaveLength(later === undefined ? 1 : 2);
  expect(w.github.pulls("acme/widgets")).toHaveLength(pulls);
  expect(await w.github.branches("acme/widgets")).toHaveLength(1 + pulls);
  const checks = w.github.checkRuns("acme/widgets").map(({ conclusion }) => conclusion);
  expect(checks).toEqual(pulls === 1 ? ["success"] : []);
  await expectNothingTwice(w);
}

/** Every slice of money was drawn once and settled once, and every word of the sandbox is there once. */
async function expectNothingTwice(w: World): Promise<void> {
  const { open } = await expectLedger(w.store, w.now());
  expect([...open.keys()]).toEqual([]);
  const { id } = await w.task();
  const events = await listEvents(w.store, Instant.parse(w.now()), { task: id, level: "debug", limit: 1000 });
  const told = events.flatMap(({ event }) => (typeof event.details?.["n"] === "number" ? [event.details["n"]] : []));
  expect(told.toSorted((one, other) => one - other)).toEqual([1, 2]);
  expect(events.filter(({ event }) => event.type === "sandbox_created").length).toBe(1);
}
