import { expect, onTestFinished, test } from "vitest";
import { after, dayMs, Instant, minuteMs } from "../../src/core/instant.ts";
import { microUsd, usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import type { Spec, Work } from "../../src/core/task.ts";
import { similarRuns } from "../../src/records/similar-tasks.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { pastRun, type PastTask } from "../world/past-run.ts";
import { atIssue } from "../world/spend.ts";

const now = Instant.parse(Date.parse("2026-11-25T12:00:00Z"));
const dana = atIssue(10, "dana");
const specOf = (work: Work, gpu?: string): Spec => ({
  work,
  timeoutMs: 60 * minuteMs,
  budget: usd(5),
  resources: { cpu: 2, memoryMiB: 4096, ...(gpu === undefined ? {} : { gpu }) },
  ref: null,
  publish: true,
});
const agent = (model: string | null, instruction = "fix it"): Spec =>
  specOf({ kind: "agent", instruction, body: "", model });
const command = (...argv: string[]): Spec => specOf({ kind: "command", argv });

function open(): Store {
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  return store;
}

const past = (spec: Spec, more: Partial<PastTask> = {}): PastTask => ({
  origin: dana,
  spec,
  endedAt: after(now, -dayMs),
  ms: 10 * minuteMs,
  model: usd(1),
  compute: usd(0.06),
  ...more,
});

const likeIn = (store: Store, spec: Spec) => similarRuns(store, now, { place: dana.place, spec });
const minutesOf = async (store: Store, spec: Spec): Promise<number[]> =>
  (await likeIn(store, spec)).map(({ ms }) => ms / minuteMs);

test("an empty repository has none", async () => {
  expect(await likeIn(open(), agent(null))).toEqual([]);
});

test("time and money of each, the newest first, whoever asked", async () => {
  const store = open();
  await pastRun(store, past(agent(null), { endedAt: after(now, -3 * dayMs), ms: minuteMs, model: usd(3) }));
  await pastRun(
    store,
    past(agent(null, "another"), { origin: atIssue(10, "olly"), verdict: "failed", ms: 2 * minuteMs }),
  );
  expect(await likeIn(store, agent(null))).toEqual([
    { ms: 2 * minuteMs, model: usd(1), compute: usd(0.06) },
    { ms: minuteMs, model: usd(3), compute: usd(0.06) },
  ]);
});

test("one with another model, another GPU, another program or from another repository is not like it", async () => {
  const store = open();
  await pastRun(store, past(agent("claude-opus-5-5"), { ms: minuteMs }));
  await pastRun(store, past(agent(null), { ms: 2 * minuteMs }));
  await pastRun(store, past(command("npm", "test"), { ms: 3 * minuteMs }));
  await pastRun(store, past(command("npm", "run", "lint"), { ms: 4 * minuteMs }));
  await pastRun(store, past(specOf({ kind: "command", argv: ["npm", "test"] }, "H100"), { ms: 5 * minuteMs }));
  await pastRun(store, past(agent(null), { ms: 6 * minuteMs, origin: atIssue(20, "dana") }));
  expect(await minutesOf(store, agent(null))).toEqual([2]);
  expect(await minutesOf(store, agent("claude-opus-5-5"))).toEqual([1]);
  expect((await minutesOf(store, command("npm", "ci"))).toSorted((one, other) => one - other)).toEqual([3, 4]);
  expect(await minutesOf(store, specOf({ kind: "command", argv: ["npm"] }, "H100"))).toEqual([5]);
  expect(await minutesOf(store, command("make"))).toEqual([]);
});

test("one that came to the end of its time or its money counts: without the dearest the others look cheap", async () => {
  const store = open();
  await pastRun(store, past(agent(null), { verdict: "timed-out", ms: 60 * minuteMs }));
  await pastRun(store, past(agent(null), { verdict: "over-budget", ms: 40 * minuteMs }));
  expect((await minutesOf(store, agent(null))).toSorted((one, other) => one - other)).toEqual([40, 60]);
});

test("one that was stopped, never began, or took several attempts says nothing", async () => {
  const store = open();
  await pastRun(store, past(agent(null), { verdict: "cancelled" }));
  await pastRun(store, past(agent(null), { attempts: 2 }));
  await pastRun(store, past(agent(null), { ms: undefined }));
  expect(await likeIn(store, agent(null))).toEqual([]);
});

test("at most the newest fifty, of the newest hundred tasks", async () => {
  const store = open();
  for (let n = 1; n <= 60; n += 1)
    await pastRun(store, past(agent(null), { endedAt: after(now, -n * minuteMs), ms: n, model: microUsd(n) }));
  const found = await likeIn(store, agent(null));
  expect(found.map(({ ms }) => ms)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  expect(found.map(({ model }) => Number(model))).toEqual(found.map(({ ms }) => ms));
  for (let n = 1; n <= 90; n += 1) await pastRun(store, past(command("make"), { endedAt: now }));
  expect((await likeIn(store, agent(null))).length).toBe(10);
});
