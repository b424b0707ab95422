import { expect, onTestFinished, test } from "vitest";
import { levels, type Level } from "../../src/core/event.ts";
import { TaskId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import { eventAppends, listEvents } from "../../src/records/events.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

const now = Instant.parse(1000);
const task = TaskId.parse("t_7k2m9x4q");

async function opened() {
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  const events = levels.map((level) => ({ at: now, level, type: "note", task, message: level }));
  await store.commit({ op: "events", now, append: eventAppends(events) });
  return store;
}

test.each([
  ["debug", ["error", "warning", "info", "debug"]],
  ["info", ["error", "warning", "info"]],
  ["warning", ["error", "warning"]],
  ["error", ["error"]],
] as const)("a filter's level is a minimum: %s lists %j, newest first", async (level: Level, messages) => {
  const listed = await listEvents(await opened(), now, { task, level, limit: 10 });
  expect(listed.map(({ event }) => event.message)).toEqual(messages);
});

test("over all tasks debug events stay with their task", async () => {
  const listed = await listEvents(await opened(), now, { level: "debug", limit: 10 });
  expect(listed.map(({ event }) => event.message)).toEqual(["error", "warning", "info"]);
});

test("pages follow each other without a gap", async () => {
  const store = await opened();
  const first = await listEvents(store, now, { task, level: "debug", limit: 2 });
  const before = first.at(-1)?.number;
  const second = await listEvents(store, now, { task, level: "debug", limit: 2, ...(before ? { before } : {}) });
  expect([...first, ...second].map(({ event }) => event.message)).toEqual(["error", "warning", "info", "debug"]);
});
