/** `parhelia logs`: whose, from when, how many, and what comes while it is followed, each line once. */
import { expect, test } from "vitest";
import type { Event } from "../../src/core/event.ts";
import { partOf } from "../../src/core/event-parts.ts";
import { TaskId } from "../../src/core/ids.ts";
import { Instant, minuteMs } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { eventAppends, listEvents } from "../../src/records/events.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { showLogs } from "../../src/terminal/logs.ts";
import { logsWords, type LogsAsked } from "../../src/terminal/logs-words.ts";
import { world } from "../world/world.ts";

const now = Instant.parse(Date.parse("2026-12-01T10:00:00Z"));
const clock = { now: () => now };

function ask(line: string): LogsAsked {
  const asked = logsWords(line.split(" "), now);
  if (asked.kind === "wrong") throw new Error(asked.message);
  return asked;
}

let ops = 0;
const tell = (store: Store, ...events: Partial<Event>[]) =>
  store.commit({
    op: `tell-${(ops += 1)}`,
    now,
    append: eventAppends(events.map((each) => ({ at: now, level: "info", type: "job_ended", message: "m", ...each }))),
  });

async function shown(store: Store, line: string, stop = new AbortController()): Promise<string[]> {
  const lines: string[] = [];
  await showLogs(ask(line), { store, clock, stop: stop.signal, say: (text) => void lines.push(text) });
  return lines;
}

test.each([
  ["", "Which log?"],
  ["--app --task t_12345678", "--task and --app: one at a time."],
  ["--function publsh", "There is no part publsh. Did you mean publish?"],
  ["--task nonsense", "nonsense is no id of a task"],
  ["--app --since yesterday", "yesterday is no time"],
  ["--app -n 0", "`-n` takes 1 to 10000 lines."],
  ["--app -n", "`-n` needs a value."],
  ["--app --all", "`logs` does not take --all."],
])("`logs %s` is answered with how it is written", (line, words) => {
  const asked = logsWords(line === "" ? [] : line.split(" "), now);
  expect(asked).toMatchObject({ kind: "wrong", message: expect.stringContaining(words) });
});

test("times are back from now or as they stand", () => {
  expect(ask("--app --since 1h").since).toBe(now - 60 * minuteMs);
  expect(ask("--app --since=2026-11-30T08:00:00Z").since).toBe(Date.parse("2026-11-30T08:00:00Z"));
  expect(ask("--function schedule -n 7 -f --json")).toMatchObject({ lines: 7, follows: "until it ends", as: "json" });
});

test("a task's log is all that it did and what its sandbox told; parts are those of the whole", () =>
  world(async (w) => {
    await w.comment("/parhelia run -- make it");
    await w.dispatch();
    await w.inside().says({ type: "agent_tool", level: "debug", tool: "Edit", message: "editing \u001b[2Ja.txt" });
    await w.dispatch();
    await w.inside().ends({});
    await w.pass(minuteMs);
    const { id } = await w.task();
    const of = async (line: string) => {
      const lines: string[] = [];
      const stop = new AbortController().signal;
      await showLogs(ask(line), { store: w.store, clock: w, stop, say: (text) => void lines.push(text) });
      return lines;
    };
    const lines = await of(`--task ${id} -f`);
    expect(lines[0]).toMatch(/^2026-11-25T08:00:00\.000Z info {4}t_00000001 dana asked: make it$/);
    expect(lines.join("\n")).toContain("debug   t_00000001 editing");
    expect(lines.join("\n")).not.toContain("\u001b");
    expect(await of("--function intake")).toHaveLength(1);
    expect((await of("--app --json")).map((line) => JSON.parse(line).type)).toContain("sandbox_created");
    const all = await listEvents(w.store, w.now(), { task: id, level: "debug", limit: 200 });
    expect(all.filter(({ event }) => partOf(event) === undefined).map(({ event }) => event.type)).toEqual([]);
    await expect(of("--task t_99999999")).rejects.toThrow("There is no task t_99999999.");
  }));

test("the newest are shown, oldest first, of a log of many pages, and of one part however far apart", async () => {
  const store = openSqliteStore({ path: ":memory:" });
  for (let n = 0; n < 450; n += 1)
    await tell(store, {
      message: `n${n}`,
      at: Instant.parse(now - (450 - n) * minuteMs),
      type: n % 100 === 0 ? "image_built" : "job_ended",
    });
  expect((await shown(store, "--app -n 3")).map((line) => line.split(" ").at(-1))).toEqual(["n447", "n448", "n449"]);
  const images = await shown(store, "--function images");
  expect(images.map((line) => line.split(" ").at(-1))).toEqual(["n0", "n100", "n200", "n300", "n400"]);
  expect(await shown(store, "--app --since 10m")).toHaveLength(10);
  await store.close();
});

test("followed, each line comes once and none is left out, also more than one page at a time", async () => {
  const store = openSqliteStore({ path: ":memory:" });
  await tell(store, { message: "old" }, { message: "first" });
  const stop = new AbortController();
  const lines: string[] = [];
  const say = (text: string): void => {
    lines.push(text.split(" ").at(-1) ?? "");
    if (lines.at(-1) === "last") stop.abort();
  };
  const following = showLogs(ask("--app -n 1 -f"), { store, clock, stop: stop.signal, say });
  while (lines.length === 0) await new Promise(setImmediate);
  const many = Array.from({ length: 500 }, (_, n) => ({ message: `n${n}` }));
  await tell(store, ...many);
  await tell(store, { message: "last", task: TaskId.parse("t_00000001"), type: "task_queued" });
  await following;
  expect(lines).toEqual(["first", ...many.map(({ message }) => message), "last"]);
  await store.close();
});
