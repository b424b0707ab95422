/** What a runner tells is kept exactly once, however old what the process knows of the attempt is. */
import { expect, onTestFinished, test } from "vitest";
import type { Attempt } from "../../src/core/attempt.ts";
import { attemptId, sandboxName, TaskId } from "../../src/core/ids.ts";
import { after, Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { noMoney } from "../../src/core/money.ts";
import { patience } from "../../src/core/next-step.ts";
import type { Put, Store } from "../../src/core/ports/store.ts";
import type { RunnerEvent } from "../../src/core/protocol.ts";
import { attemptPut } from "../../src/records/attempt.ts";
import { readDue } from "../../src/records/due.ts";
import { listEvents } from "../../src/records/events.ts";
import { hear, readKnown, type Known } from "../../src/records/hear.ts";
import { duePut } from "../../src/records/task-put.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

const start = Instant.parse(1_800_000_000_000);
const task = TaskId.parse("t_00000001");
const id = attemptId(task, 1);
const attempt: Attempt = { id, task, sandbox: sandboxName(id), claimedAt: start, microUsdPerHour: noMoney };

interface Stage {
  readonly store: Store;
  /** What is known now; it grows old while others push. */
  know(): Promise<Known>;
  /** Pushes events of these numbers, on what is known. */
  push(known: Known, numbers: readonly number[], now?: Instant): ReturnType<typeof hear>;
  put(effect: Put): Promise<void>;
  told(): Promise<unknown[]>;
  nextAt(): Promise<Instant | undefined>;
}

async function stage(): Promise<Stage> {
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  let ops = 0;
  const op = (): string => `op/${(ops += 1)}`;
  const s: Stage = {
    store,
    async know() {
      const known = await readKnown(store, start, { attempt: id, after: 0 });
      if (known === undefined) throw new Error("there is no attempt");
      return known;
    },
    push: (known, numbers, now = start) =>
      hear(store, { attempt: id, known, events: numbers.map(event), now, op: op() }),
    async put(effect) {
      await store.commit({ op: op(), now: start, put: [effect] });
    },
    async told() {
      const lines = await listEvents(store, start, { task, level: "debug", limit: 50 });
      return lines.map(({ event: each }) => each.details?.["n"]).toReversed();
    },
    nextAt: async () => (await readDue(store, start, { limit: 1, maxSandboxes: 1 })).nextAt,
  };
  await s.put(attemptPut(attempt));
  return s;
}

const event = (n: number): RunnerEvent => ({ n, at: 0, type: "agent_text", level: "info", message: "word" });

test("a push on what has become old goes on from what others kept meanwhile", async () => {
  const { know, push, told } = await stage();
  const old = await know();
  expect(await push(old, [1, 2, 3])).toMatchObject({ last: 3, known: { seen: 3 } });
  // It goes on from 0 as this process believes, and it overlaps.
  expect(await push(old, [1, 2, 3, 4])).toMatchObject({ last: 4 });
  // A gap from 0, but not from what is kept.
  expect(await push(old, [5, 6])).toMatchObject({ last: 6 });
  expect(await told()).toEqual([1, 2, 3, 4, 5, 6]);
});

test("a repeated push and one with a gap are answered with what is kept, and keep nothing", async () => {
  const { know, push, told } = await stage();
  const old = await know();
  await push(old, [1, 2, 3]);
  expect(await push(old, [2, 3])).toMatchObject({ last: 3 });
  expect(await push(old, [5, 6])).toMatchObject({ last: 3 });
  expect(await push(await know(), [])).toMatchObject({ last: 3 });
  expect(await told()).toEqual([1, 2, 3]);
});

test("nothing is kept of an attempt that has ended since it was known", async () => {
  const { know, push, put, told } = await stage();
  const old = await know();
  await put(attemptPut({ ...attempt, endedAt: start, outcome: "cancelled", because: "it was" }));
  expect(await push(old, [1])).toBe("ended");
  expect(await told()).toEqual([]);
});

test("an attempt that only changed is heard", async () => {
  const { know, push, put, told } = await stage();
  const old = await know();
  await put(attemptPut({ ...attempt, createdAt: start }));
  expect(await push(old, [1])).toMatchObject({ last: 1 });
  expect(await told()).toEqual([1]);
});

test("a word puts off the look that silence would bring, up to the limit, and no look that somebody asked for", async () => {
  const { know, push, put, nextAt } = await stage();
  await push(await know(), [1]);
  const limit = after(start, patience.silenceMs + minuteMs);
  await put(duePut(task, after(start, minuteMs), limit));
  const before = await know();
  await push(before, [2], after(start, 30 * secondMs));
  expect(await nextAt()).toBe(after(start, 30 * secondMs + patience.silenceMs));
  await push(await know(), [3], after(start, 2 * minuteMs));
  expect(await nextAt()).toBe(limit);
  const known = await know();
  await put(duePut(task, after(start, secondMs)));
  await push(known, [4], after(start, secondMs));
  await push(await know(), [5], after(start, secondMs));
  expect(await nextAt()).toBe(after(start, secondMs));
});
