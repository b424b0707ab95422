/** What is true of the SQLite store alone: its file, its transactions, faults of the engine, and its queries. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { after, minuteMs } from "../../src/core/instant.ts";
import { openDatabase } from "../../src/store/sqlite/database-file.ts";
import { lockEngine } from "../../src/store/sqlite/engine-lock.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { prepareReads, prepareWrites } from "../../src/store/sqlite/statements.ts";
import { newPath, now, openBeside, openStore } from "./sqlite-place.ts";

test("the file is its owner's alone, with everything that lies beside it", async () => {
  const path = newPath();
  const umask = process.umask(0);
  onTestFinished(() => void process.umask(umask));
  const store = openStore(path);
  await store.commit({ op: "one", now, put: [{ key: "a", value: 1 }] });
  lockEngine(path)?.release();
  const modeOf = (place: string): string => (statSync(place).mode & 0o777).toString(8);
  expect(modeOf(join(path, ".."))).toBe("700");
  const files = [path, `${path}-wal`, `${path}-shm`, `${path}-engine`];
  expect(files.map(modeOf)).toEqual(["600", "600", "600", "600"]);
});

test("a commit is synced before it is answered, and the file is in WAL mode", () => {
  const db = openDatabase(newPath());
  onTestFinished(() => db.close());
  expect(db.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
  expect(db.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: 2 });
});

test("what was committed is there after the file is opened again", async () => {
  const path = newPath();
  const first = openSqliteStore({ path });
  await first.commit({ op: "one", now, put: [{ key: "a", value: 1 }], append: [{ log: "x", values: [1] }] });
  await first.close();
  const store = openStore(path);
  expect(await store.commit({ op: "one", now })).toEqual({ ok: true, fences: [], numbers: [1], answers: [] });
  expect(await store.look(now, [{ get: "a" }])).toEqual([{ key: "a", version: 1, value: 1 }]);
});

test("a file of a newer release is refused, says what to do, and is left as it was", async () => {
  const path = newPath();
  await openSqliteStore({ path }).close();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 999");
  db.close();
  const before = readFileSync(path);
  expect(() => openSqliteStore({ path })).toThrow(
    `${path} has schema version 999, and this release of Parhelia knows versions up to 1. ` +
      "Install the release that wrote it, or a later one, or restore a backup that was made before the upgrade.",
  );
  expect(readFileSync(path)).toEqual(before);
});

test.each<[what: string, make: (path: string) => void]>([
  ["another program's database", (path) => openBeside(path).exec("CREATE TABLE theirs (a)")],
  ["no database", (path) => writeFileSync(path, "Dear diary, ".repeat(100))],
])("%s is refused and left as it was", (_what, make) => {
  const path = newPath();
  mkdirSync(join(path, ".."));
  make(path);
  const before = readFileSync(path);
  expect(() => openSqliteStore({ path })).toThrow(`${path} is not a database of Parhelia, and nothing was changed`);
  expect(readFileSync(path)).toEqual(before);
});

test("commits of one turn share transactions of at most 64", async () => {
  const path = newPath();
  const store = openStore(path);
  const before = transactionsIn(`${path}-wal`);
  const commits = Array.from({ length: 130 }, (_, number) =>
    store.commit({ op: `${number}`, now, add: [{ counter: "n", by: 1 }] }),
  );
  await Promise.all(commits);
  expect(transactionsIn(`${path}-wal`) - before).toBe(3);
});

/** Counts the frames that end a transaction (https://www.sqlite.org/fileformat2.html#the_write_ahead_log). */
function transactionsIn(wal: string): number {
  const bytes = readFileSync(wal);
  const frameBytes = 24 + bytes.readUInt32BE(8);
  let count = 0;
  for (let frame = 32; frame < bytes.length; frame += frameBytes) if (bytes.readUInt32BE(frame + 4) > 0) count += 1;
  return count;
}

test("long commits of one turn are taken a few at a time, with turns for others in between", async () => {
  const store = openStore(":memory:");
  let turn = 0;
  let ticking = true;
  const tick = (): void => {
    turn += 1;
    if (ticking) setImmediate(tick);
  };
  setImmediate(tick);
  const turns = await Promise.all(
    Array.from({ length: 5 }, async (_, number) => {
      await store.commit({ op: `${number}`, now, put: [{ key: "a", value: "x".repeat(3 * 1024 * 1024) }] });
      return turn;
    }),
  );
  ticking = false;
  // Two of 3 MiB fit into 8 MiB, three do not.
  expect(turns.map((each) => turns.indexOf(each))).toEqual([0, 0, 2, 2, 4]);
});

test("a commit that the engine refuses fails alone, names its operation, and its neighbours stand", async () => {
  const path = newPath();
  const store = openStore(path);
  const text = `CREATE TRIGGER broken BEFORE INSERT ON document WHEN NEW.key = 'broken'
    BEGIN SELECT RAISE(ABORT, 'the disk is on fire'); END`;
  openBeside(path).exec(text);
  const put = (key: string) =>
    store.commit({ op: `put ${key}`, now, put: [{ key, value: 1 }], append: [{ log: "x", values: [key] }] });
  const results = await Promise.allSettled([put("a"), put("broken"), put("b")]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  await expect(put("broken")).rejects.toThrow(
    "operation put broken was not done and has written nothing: the disk is on fire",
  );
  const [lines] = await store.look(now, [{ read: "x", limit: 9 }]);
  expect(lines.map(({ value }) => value)).toEqual(["a", "b"]);
});

test("a counter that would leave the whole numbers that are exact is a fault, and fails alone", async () => {
  const store = openStore(":memory:");
  const add = (op: string) => store.commit({ op, now, add: [{ counter: "n", by: Number.MAX_SAFE_INTEGER }] });
  const results = await Promise.allSettled([add("first"), add("second")]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  expect(await store.look(now, [{ counter: "n" }])).toEqual([Number.MAX_SAFE_INTEGER]);
});

test("what is past leaves the file", async () => {
  const path = newPath();
  const store = openStore(path);
  await store.commit({
    op: "one",
    now,
    put: [{ key: "a", value: 1, until: after(now, minuteMs) }],
    leases: [{ name: "l", act: "take", holder: "ann", ttlMs: minuteMs }],
    add: [{ counter: "n", by: 1 }],
  });
  await store.commit({ op: "two", now: after(now, 10 * minuteMs), add: [{ counter: "n", by: -1 }] });
  const db = openBeside(path);
  const rows = ["document", "lease", "counter", "op"].map((table) => db.prepare(`SELECT * FROM ${table}`).all());
  expect(rows).toMatchObject([[], [], [], [{ op: "two" }]]);
});

test("every statement runs along a key or an index, in the order of that index", () => {
  const db = openDatabase(":memory:");
  onTestFinished(() => db.close());
  const { dataVersion: _, ...reads } = prepareReads(db);
  const planOf = (text: string): string[] =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => String(detail));
  const steps = Object.values({ ...reads, ...prepareWrites(db) }).flatMap(({ sourceSQL }) => planOf(sourceSQL));
  expect(steps.filter((step) => /\bSCAN\b|TEMP B-TREE|AUTOMATIC/.test(step))).toEqual([]);
  expect(Object.values(reads).filter(({ sourceSQL }) => planOf(sourceSQL).length === 0)).toEqual([]);
  for (const { sourceSQL } of [reads.range, reads.rangeBack]) {
    expect(planOf(sourceSQL)[0]).toContain("(index=? AND (sort,key)>(?,?) AND (sort,key)<(?,?))");
  }
  for (const { sourceSQL } of [reads.read, reads.readBack]) {
    expect(planOf(sourceSQL)[0]).toContain("(log=? AND number>? AND number<?)");
  }
});
