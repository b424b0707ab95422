/** What the service does by itself: at its time, once, by one service, and told where it fails. */
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { hourMs, Instant, minuteMs } from "../../src/core/instant.ts";
import type { JobOutcome } from "../../src/core/ports/jobs.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { Refusal } from "../../src/core/refusal.ts";
import { openScheduler, type SchedulerRoom } from "../../src/engine/schedule.ts";
import { indexes, keys } from "../../src/records/document.ts";
import { listEvents } from "../../src/records/events.ts";
import { readJobs } from "../../src/records/schedule.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { countedIds, world } from "../world/world.ts";

const passed: JobOutcome = { outcome: "passed", words: "image is live", failing: [], log: "" };
const failed: JobOutcome = {
  outcome: "failure",
  words: "a layer could not be built with key-123",
  failing: [{ job: "image-rebuild", step: "build and try" }],
  log: "Building layer 1\nkey-123 was refused",
};
/** Sundays at six; the clock starts on the Friday before. */
const sundays = { cron: "0 6 * * 0", timeZone: "UTC" };
const friday = Instant.parse(Date.parse("2026-11-27T12:00:00Z"));
const firstSunday = Instant.parse(Date.parse("2026-11-29T06:00:00Z"));

interface Desk {
  readonly store: Store;
  readonly runs: Instant[];
  set(text: string): void;
  /** A service's look; another name is another service. */
  look(holder?: string): Promise<void>;
  last(): Promise<unknown>;
  events(): Promise<string[]>;
}

function openDesk(run: () => Promise<JobOutcome>, repository?: string): Desk {
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  let now = friday;
  const runs: Instant[] = [];
  const ids = countedIds();
  const job = {
    name: "image-rebuild",
    times: sundays,
    run: async () => {
      runs.push(now);
      return run();
    },
  } as const;
  const services = new Map<string, () => Promise<void>>();
  const roomOf = (holder: string): SchedulerRoom => ({
    store,
    clock: { now: () => now },
    ids,
    log: pino({ level: "silent" }),
    holder,
    operator: { channels: [], alerts: { budgetSteps: [], errorPercent: 25, timeoutPercent: 25, minTasks: 5 } },
    schedule: { jobs: [job], repository },
    redact: (text) => text.replaceAll("key-123", "[removed]"),
  });
  return {
    store,
    runs,
    set: (text) => void (now = Instant.parse(Date.parse(text))),
    look(holder = "a") {
      const known = services.get(holder) ?? openScheduler(roomOf(holder));
      services.set(holder, known);
      return known();
    },
    last: async () => (await readJobs(store, now, [job.name])).get(job.name)?.value,
    events: async () =>
      (await listEvents(store, now, { level: "info", limit: 50 })).map(({ event }) => event.message).toReversed(),
  };
}

test("a job is done at its time, and not before", async () => {
  const desk = openDesk(async () => passed);
  await desk.look();
  desk.set("2026-11-29T05:59:59Z");
  await desk.look();
  expect(desk.runs).toEqual([]);
  desk.set("2026-11-29T06:00:00Z");
  await desk.look();
  await desk.look();
  expect(desk.runs).toEqual([firstSunday]);
  desk.set("2026-12-06T06:00:30Z");
  await desk.look();
  expect(desk.runs).toHaveLength(2);
  expect(await desk.events()).toEqual([
    "image-rebuild: started",
    "image-rebuild: image is live",
    "image-rebuild: started",
    "image-rebuild: image is live",
  ]);
});

test("what was missed while no service ran is done once, also by a service that is new", async () => {
  const desk = openDesk(async () => passed);
  await desk.look();
  desk.set("2027-01-15T00:00:00Z");
  await desk.look("b");
  await desk.look("a");
  expect(desk.runs).toHaveLength(1);
  desk.set("2027-01-17T06:00:00Z");
  await desk.look("b");
  expect(desk.runs).toHaveLength(2);
});

test("two services never do it at the same time", async () => {
  let go = (): void => undefined;
  const gate = new Promise<void>((resolve) => (go = resolve));
  const desk = openDesk(async () => {
    await gate;
    return passed;
  });
  await desk.look("a");
  desk.set("2026-11-29T06:00:00Z");
  const first = desk.look("a");
  while (desk.runs.length === 0) await new Promise(setImmediate);
  await desk.look("b");
  expect(desk.runs).toHaveLength(1);
  go();
  await first;
  await desk.look("b");
  expect(desk.runs).toHaveLength(1);
});

test("a service that dies at it leaves it to another, and what takes three down is a failure", async () => {
  const never = new Promise<JobOutcome>(() => undefined);
  const desk = openDesk(() => never);
  await desk.look("a");
  desk.set("2026-11-29T06:00:00Z");
  for (const [n, holder] of ["a", "b", "c"].entries()) {
    // Its lease runs out with nobody to renew it.
    desk.set(new Date(firstSunday + n * minuteMs).toISOString());
    void desk.look(holder);
    for (let turn = 0; turn < 1000 && desk.runs.length === n; turn += 1) await new Promise(setImmediate);
    expect(desk.runs).toHaveLength(n + 1);
  }
  desk.set(new Date(firstSunday + 4 * minuteMs).toISOString());
  await desk.look("d");
  expect(desk.runs).toHaveLength(3);
  expect(await desk.last()).toMatchObject({
    last: { outcome: "failure", words: "the service ended 3 times while it was at it" },
  });
});

test("a failure takes the way of failed workflows into the operator's repository, without what nobody may see", async () => {
  const outcomes = [passed, failed];
  const desk = openDesk(async () => outcomes.shift() ?? passed, "acme/ops");
  await desk.look();
  desk.set("2026-11-29T06:00:00Z");
  await desk.look();
  desk.set("2026-12-06T06:00:00Z");
  await desk.look();
  const now = Instant.parse(firstSunday + 1000 * hourMs);
  const [document, due] = await desk.store.look(now, [
    { get: keys.failure("service/acme/ops/image-rebuild") },
    { range: indexes.failuresDue, limit: 5 },
  ]);
  expect(document?.value).toMatchObject({
    workflow: { kind: "service", repository: "acme/ops", job: "image-rebuild" },
    runs: [
      { outcome: "passed", trigger: "schedule" },
      {
        outcome: "failure",
        evidence: { failing: failed.failing, logs: [{ text: "Building layer 1\n[removed] was refused" }] },
      },
    ],
  });
  expect(due).toHaveLength(1);
  expect(JSON.stringify([document, await desk.events()])).not.toContain("key-123");
});

test("without such a repository it is a notice; a refusal is a failure with its words, all else one with a trace", async () => {
  const errors: Error[] = [new Refusal("Modal rejects the token. Make a new one."), new Error("boom key-123")];
  const desk = openDesk(async () => {
    throw errors.shift() ?? new Error("no more");
  });
  await desk.look();
  desk.set("2026-11-29T06:00:00Z");
  await desk.look();
  desk.set("2026-12-06T06:00:00Z");
  await desk.look();
  const events = await desk.events();
  expect(events).toContain("Scheduled image-rebuild failed: Modal rejects the token. Make a new one.");
  expect(events.at(-1)).toMatch(/^image-rebuild: something broke on our side \(trace \w+\)$/);
});

test("the engine looks at the schedule with each round of reconciling", async () => {
  let runs = 0;
  const run = async () => {
    runs += 1;
    return passed;
  };
  const times = { cron: "0 * * * *", timeZone: "UTC" };
  const schedule = { jobs: [{ name: "image-rebuild", times, run }], repository: undefined } as const;
  await world(
    async (w) => {
      await w.reconcile();
      await w.pass(hourMs);
      expect(runs).toBe(0);
      await w.reconcile();
      expect(runs).toBe(1);
      await w.reconcile();
      expect(runs).toBe(1);
    },
    { schedule },
  );
});
