import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EventPushShape } from "../../src/core/protocol-schema.ts";
import { bounds, type RunnerEvent } from "../../src/core/protocol.ts";
import type { Answer, Reach } from "../../src/runner/gateway.ts";
import { openJournal, type Fact } from "../../src/runner/journal.ts";
import { openPusher } from "../../src/runner/push.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "journal-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const open = (room?: { events: number; bytes: number }) => openJournal(join(directory, "events"), () => 1000, room);

const output = (message: string): Fact => ({ type: "output", stream: "stdout", level: "info", message });

const plenty = { events: 1000, bytes: 1e9 };

const events = (batch: string[]): RunnerEvent[] =>
  EventPushShape.parse(JSON.parse(`{"events":[${batch.join(",")}]}`)).events;

const told = (batch: string[]): string[] => events(batch).map(({ n, message }) => `${n} ${message}`);

test("events are numbered, and leave when they are acknowledged", () => {
  const journal = open();
  for (const message of ["a", "日本", "c"]) journal.add(output(message));
  expect(told(journal.batch(plenty))).toEqual(["1 a", "2 日本", "3 c"]);
  expect(told(journal.batch({ ...plenty, events: 2 }))).toEqual(["1 a", "2 日本"]);
  expect(told(journal.batch({ ...plenty, bytes: 1 }))).toEqual(["1 a"]);
  journal.acknowledge(2);
  expect(told(journal.batch(plenty))).toEqual(["3 c"]);
  journal.acknowledge(3);
  expect(journal.empty).toBe(true);
  journal.add(output("d"));
  expect(told(journal.batch(plenty))).toEqual(["4 d"]);
});

test("an event above its bound is cut, and says by how much", () => {
  const journal = open();
  journal.add(output(`${"日".repeat(30_000)}"`));
  const [json = ""] = journal.batch(plenty);
  expect(Buffer.byteLength(json)).toBeLessThanOrEqual(bounds.eventBytes);
  expect(Buffer.byteLength(json)).toBeGreaterThan(bounds.eventBytes - 200);
  const [event] = events([json]);
  const [kept = "", note] = event?.message.split(" [cut: ") ?? [];
  expect(note).toBe(`${90_001 - Buffer.byteLength(kept)} more bytes]`);
});

test("without room output is left out first, counted, and named when there is room again", () => {
  const journal = open({ events: 10, bytes: 1e6 });
  for (let at = 1; at <= 20; at += 1) journal.add(output(`${at}`));
  expect(journal.batch(plenty)).toHaveLength(9);
  journal.add({ type: "phase", phase: "collect", level: "info", message: "collect" });
  expect(events(journal.batch(plenty)).at(-1)).toMatchObject({
    n: 10,
    type: "output_cut",
    message: expect.stringMatching(/^11 events \(\d+ bytes\) were left out/),
  });
  journal.acknowledge(10);
  journal.add(output("after"));
  expect(told(journal.batch(plenty))).toEqual([expect.stringMatching(/^11 1 events/), "12 after"]);
});

test("the file's size is bounded too", () => {
  const journal = open({ events: 1000, bytes: 10_000 });
  for (let at = 0; at < 100; at += 1) journal.add(output("x".repeat(900)));
  expect(journal.batch(plenty)).toHaveLength(10);
  journal.acknowledge(10);
  journal.add(output("after"));
  expect(told(journal.batch(plenty)).at(-1)).toBe("12 after");
});

test("a service that lost what it had acknowledged gets placeholders, so that the numbers have no gap", () => {
  const journal = open();
  for (const message of ["a", "b", "c", "d"]) journal.add(output(message));
  journal.acknowledge(3);
  journal.acknowledge(1);
  expect(events(journal.batch(plenty)).map(({ n, type }) => `${n} ${type}`)).toEqual([
    "2 runner_warning",
    "3 runner_warning",
    "4 output",
  ]);
});

test("a number pushed by someone else who knows the token is passed over", () => {
  const journal = open();
  journal.add(output("ours"));
  journal.acknowledge(7);
  journal.add(output("next"));
  expect(told(journal.batch(plenty))).toEqual(["8 next"]);
});

/** A pusher whose gateway answers with these in turn, and what it was sent. */
function pushing(answers: Answer[]) {
  const journal = open();
  const sent: string[][] = [];
  const over = new AbortController();
  const reach: Reach = {
    over,
    timing: { now: () => 0, sleep: () => Promise.resolve() },
    gateway: {
      open: () => {
        throw new Error("not for the bridge");
      },
      call: (_method, _path, body = "") => {
        sent.push(EventPushShape.parse(JSON.parse(body)).events.map(({ n, message }) => `${n} ${message}`));
        return Promise.resolve(answers.shift() ?? { status: 503, text: "" });
      },
    },
  };
  return { journal, sent, over, pusher: openPusher(journal, reach) };
}

const ack = (last: number): Answer => ({ status: 200, text: JSON.stringify({ last }) });

test("a push that fails is repeated after a growing pause", async () => {
  const { journal, sent, pusher } = pushing([{ status: 0, text: "gone" }, { status: 503, text: "" }, ack(1)]);
  journal.add(output("a"));
  expect([await pusher.step(), await pusher.step(), await pusher.step()]).toEqual([200, 400, 100]);
  expect(sent).toEqual([["1 a"], ["1 a"], ["1 a"]]);
  expect(journal.empty).toBe(true);
});

test("an acknowledgement that stands still is backed off from", async () => {
  const { journal, pusher } = pushing([ack(0), ack(0), ack(0), { status: 200, text: "no JSON" }]);
  journal.add(output("a"));
  const pauses = [await pusher.step(), await pusher.step(), await pusher.step(), await pusher.step()];
  expect(pauses).toEqual([200, 400, 800, 1600]);
});

test("one event that the service refuses is found and replaced", async () => {
  const refusal = { status: 400, text: "bad" };
  const { journal, sent, pusher } = pushing([refusal, ack(1), refusal, refusal, ack(2), ack(3)]);
  for (const message of ["a", "b", "c"]) journal.add(output(message));
  while (!journal.empty) await pusher.step();
  expect(sent).toEqual([
    ["1 a", "2 b", "3 c"],
    ["1 a"],
    ["2 b", "3 c"],
    ["2 b"],
    ["2 The service did not take an event: bad"],
    ["3 c"],
  ]);
});

test("an attempt that is over stops everything", async () => {
  const { journal, over, pusher } = pushing([{ status: 410, text: "" }]);
  journal.add(output("a"));
  await pusher.step();
  expect(over.signal.aborted).toBe(true);
  await pusher.run(new AbortController().signal);
});
