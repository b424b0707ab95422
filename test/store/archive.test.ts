/** A store's state through a file into another store, of the other kind too: all of it, as it was, or a clear no. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { z } from "zod";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { after, hourMs, minuteMs } from "../../src/core/instant.ts";
import type { Commit, Store } from "../../src/core/ports/store.ts";
import { Refusal } from "../../src/core/refusal.ts";
import { listEvents } from "../../src/records/events.ts";
import { listTasks } from "../../src/records/list-tasks.ts";
import { readView } from "../../src/records/read-view.ts";
import { writeNewFile } from "../../src/store/archive-file.ts";
import { refuseHalfImported } from "../../src/store/import-mark.ts";
import { exportStore, importFile, type BatchSize, type RawStore } from "../../src/store/move.ts";
import { openRedisArchive } from "../../src/store/redis/archive.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { openSqliteSource, openSqliteTarget } from "../../src/store/sqlite/archive.ts";
import { lockEngine } from "../../src/store/sqlite/engine-lock.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { needs } from "../world/needs.ts";
import { askAtTerminal } from "../world/terminal-task.ts";
import { openUpstash, type Upstash } from "../world/upstash/upstash.ts";
import { now } from "./sqlite-place.ts";

const folder = mkdtempSync(join(tmpdir(), "parhelia-archive-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const newName = (): string => join(folder, String(++made));

const isRedisThere = needs("redis-server");
let upstash: Upstash | undefined;
beforeAll(async () => {
  if (isRedisThere) upstash = await openUpstash();
});
afterAll(() => upstash?.close());

/** An empty place for a store, which is opened by its four calls, to be read, and to be written. */
interface Place {
  store(): Store;
  source(): RawStore;
  target(): RawStore;
}

function sqlitePlace(): Place {
  const path = newName();
  return {
    store: () => openSqliteStore({ path, pollMs: 0 }),
    source: () => openSqliteSource(path),
    target: () => openSqliteTarget(path),
  };
}

/** By default so few that values are cut in pieces, and answers end early. */
function redisPlace(requestCharacters = 120): Place {
  if (upstash === undefined) throw new Error("the stand-in is not open");
  // A prefix with what a pattern of names gives a meaning to.
  const options = { url: upstash.url, token: upstash.token, prefix: `archive*[${++made}]`, requestCharacters };
  const raw = (): RawStore => openRedisArchive({ ...options, now: () => now });
  return { store: () => openRedisStore({ ...options, replica: "me" }), source: raw, target: raw };
}

const kinds: readonly { readonly kind: string; readonly place: (requestCharacters?: number) => Place }[] = [
  { kind: "sqlite", place: sqlitePlace },
  ...(isRedisThere ? [{ kind: "redis", place: redisPlace }] : []),
];

const world = { now: () => now, tell: () => undefined };

async function exported(place: Place): Promise<string> {
  const file = newName();
  const source = place.source();
  try {
    await exportStore(source, world, (lines) => writeNewFile(file, lines));
  } finally {
    await source.close();
  }
  return file;
}

async function imported(place: Place, file: string, most?: BatchSize) {
  const target = place.target();
  try {
    return await importFile(target, file, world, most);
  } finally {
    await target.close();
  }
}

/** All between the header, which says when and from where, and the trailer, which hashes the header too. */
const content = (file: string): string => readFileSync(file, "utf8").split("\n").slice(1, -2).join("\n");

async function filled(place: Place, commits: readonly Commit[]): Promise<void> {
  const store = place.store();
  for (const commit of commits) await store.commit(commit);
  await store.close();
}

const key = fc.constantFrom("a", "a/b", "b", "Z", "~", "task/1", "d:c");
const json = fc.oneof(
  fc.jsonValue({ maxDepth: 2, stringUnit: "binary" }),
  fc.constantFrom("\0\u2028\ud800\u{1f600}", "é".repeat(300), "\u{1f600}".repeat(200), {
    __proto__: 1,
    "2": 1,
    "1": -0,
  }),
);
const commit = fc.record({
  versions: fc.constant([]),
  add: fc.array(fc.record({ counter: key, by: fc.constantFrom(-3, 1, 2, 500_000_000_000_001, -500_000_000_000_001) }), {
    maxLength: 2,
  }),
  put: fc.array(
    fc.oneof(
      fc.record({
        key,
        value: json,
        entries: fc.array(fc.tuple(key, fc.constantFrom("", "1", "a b")), { maxLength: 3 }),
      }),
      fc.record({ key, value: json, until: fc.constantFrom(after(now, 1), after(now, hourMs), now) }),
      fc.record({ key, value: fc.constant(undefined) }),
    ),
    { maxLength: 4 },
  ),
  append: fc.array(fc.record({ log: key, values: fc.array(json, { maxLength: 4 }) }), { maxLength: 2 }),
  trim: fc.array(fc.record({ log: key, below: fc.oneof(fc.nat({ max: 6 }), fc.constant("everything" as const)) }), {
    maxLength: 1,
  }),
  leases: fc.uniqueArray(
    key.map((name) => ({ name, act: "take" as const, holder: "h", ttlMs: minuteMs })),
    { maxLength: 1 },
  ),
});
const history = fc
  .array(commit, { minLength: 2, maxLength: 8 })
  .map((all) => all.map((each, at): Commit => ({ ...each, op: `op/${at}`, now: after(now, -1) })));

describe.each(kinds)("by way of $kind", ({ place }) => {
  test("whatever the four calls made is carried there and back, byte by byte", async () => {
    await fc.assert(
      fc.asyncProperty(history, fc.integer({ min: 1, max: 9 }), async (commits, items) => {
        const [first, second, third] = [sqlitePlace(), place(), sqlitePlace()];
        await filled(first, commits);
        const file = await exported(first);
        await imported(second, file, { items, characters: 200 });
        const again = await exported(second);
        expect(content(again)).toBe(content(file));
        await imported(third, again);
        expect(content(await exported(third))).toBe(content(file));
      }),
      // Each one costs many syncs of a disk.
      { numRuns: 8 },
    );
  });

  test("more names than are asked for at once come in order, each once", async () => {
    const [from, to] = [sqlitePlace(), place(20_000)];
    const names = Array.from({ length: 1300 }, (_, n) => String(n));
    await filled(from, [
      {
        op: "op",
        now,
        put: names.map((key) => ({ key, value: key, entries: [[`index/${key}`, key]] as const })),
        add: names.map((counter) => ({ counter, by: 1 })),
        append: names.map((log) => ({ log, values: [log, log] })),
      },
    ]);
    const file = await exported(from);
    await imported(to, file);
    expect(content(await exported(to))).toBe(content(file));
  });

  test("an export of nothing is one too", async () => {
    const [from, to] = [place(), sqlitePlace()];
    await filled(from, []);
    const file = await exported(from);
    expect(content(file)).toBe(`{"fence":0}`);
    expect(await imported(to, file)).toMatchObject({ before: 0, counts: { documents: 0 } });
  });
});

const value = (n: number): string => `${n}`.padStart(100, "ü");
const sample: Commit[] = Array.from({ length: 9 }, (_, n) => ({
  op: `op/${n}`,
  now,
  leases: [{ name: `lease/${n}`, act: "take", holder: "h", ttlMs: minuteMs }],
  add: [{ counter: `c/${n}`, by: n + 1 }],
  put: [{ key: `k/${n}`, value: value(n), entries: [["all", String(n)]] }],
  append: [{ log: "log", values: [value(n), n] }],
}));

async function sampleFile(): Promise<string> {
  const place = sqlitePlace();
  await filled(place, sample);
  return exported(place);
}

/** Dies at its n-th write: before it, or after it was done and before anybody heard. */
function mortal(store: RawStore, n: number, when: "before" | "after"): RawStore {
  let writes = 0;
  return {
    ...store,
    async write(batch) {
      writes += 1;
      if (writes === n && when === "before") throw new Error("killed");
      await store.write(batch);
      if (writes === n) throw new Error("killed");
    },
  };
}

describe.each(kinds)("into $kind", ({ place: newPlace }) => {
  test.each(["before", "after"] as const)("killed %s any batch, the same import ends the same", async (when) => {
    const file = await sampleFile();
    const most = { items: 7, characters: 10_000 };
    for (let n = 1; n <= 6; n += 1) {
      const place = newPlace();
      const target = place.target();
      await expect(importFile(mortal(target, n, when), file, world, most)).rejects.toThrow("killed");
      await target.close();
      const done = when === "after" ? Math.min(7 * n, 37) : 7 * (n - 1);
      const half = place.store();
      if (done > 0) await expect(refuseHalfImported(half, now)).rejects.toThrow("has not ended. Run the same");
      await half.close();
      expect(await imported(place, file)).toMatchObject({ before: done, counts: { documents: 9, lines: 18 } });
      expect(content(await exported(place))).toBe(content(file));
    }
  });

  test("a half import is neither exported nor filled from another file", async () => {
    const [file, place] = [await sampleFile(), newPlace()];
    const target = place.target();
    await expect(importFile(mortal(target, 1, "after"), file, world)).rejects.toThrow("killed");
    await target.close();
    await expect(exported(place)).rejects.toThrow("has not ended. Run it again first");
    const other = sqlitePlace();
    await filled(other, sample.slice(1));
    await expect(imported(place, await exported(other))).rejects.toThrow("An import of another file");
  });

  test("a store that holds anything is left as it is", async () => {
    const [file, place] = [await sampleFile(), newPlace()];
    await filled(place, [{ op: "op", now, put: [{ key: "gone", value: 1 }] }]);
    await filled(place, [{ op: "again", now, put: [{ key: "gone", value: undefined }] }]);
    const before = content(await exported(place));
    await expect(imported(place, file)).rejects.toThrow("is not empty");
    expect(content(await exported(place))).toBe(before);
  });

  test("fences, versions and numbers go on, and what was held is free", async () => {
    const [file, place] = [await sampleFile(), newPlace()];
    await imported(place, file);
    const store = place.store();
    const result = await store.commit({
      op: "op/0",
      now,
      versions: [["k/3", 1]],
      leases: [{ name: "lease/0", act: "take", holder: "new", ttlMs: minuteMs }],
      put: [{ key: "k/3", value: 3 }],
      append: [{ log: "log", values: [0] }],
    });
    expect(result).toEqual({ ok: true, fences: [10], numbers: [19], answers: [] });
    expect(await store.look(now, [{ range: "all", limit: 3, back: true }, { get: "k/3" }])).toMatchObject([
      [{ key: "k/8", document: { value: value(8) } }, { key: "k/7" }, { key: "k/6" }],
      { version: 2 },
    ]);
    await store.close();
  });

  test("what somebody else writes meanwhile is found at the end", async () => {
    const [file, place] = [await sampleFile(), newPlace()];
    const target = place.target();
    const disturbed: RawStore = {
      ...target,
      async write(batch) {
        await target.write(batch);
        await filled(place, [{ op: "other", now, add: [{ counter: "c/1", by: 1 }] }]);
      },
    };
    await expect(importFile(disturbed, file, world)).rejects.toThrow(/differ at line 12.*Stop every service/);
    await target.close();
  });

  test("tasks are listed and shown as they were", async () => {
    const [one, two] = [sqlitePlace(), newPlace()];
    const store = one.store();
    for (const id of ["t_aaaaaaaa", "t_bbbbbbbb"]) {
      await askAtTerminal(store, { id, directory: "/repo", now });
    }
    const told = async (from: Store) => {
      const tasks = await listTasks(from, now, { which: "live", limit: 10 });
      const views = await Promise.all(tasks.map((task) => readView(from, now, task)));
      return {
        views,
        events: await Promise.all(tasks.map(({ id }) => listEvents(from, now, { task: id, level: "info", limit: 10 }))),
      };
    };
    const before = await told(store);
    await store.close();
    await imported(two, await exported(one));
    const moved = two.store();
    expect(before.views).toHaveLength(2);
    expect(await told(moved)).toEqual(before);
    await moved.close();
  });
});

describe("a file", () => {
  const bodies: readonly [what: string, change: (text: string) => string, words: RegExp][] = [
    ["a changed value", (text) => text.replace("üü3", "üü4"), /line 39: has another SHA-256/],
    [
      "a missing line",
      (text) => text.replace(/^\{"counter":"c\/2".*\n/m, ""),
      /line 38: counts 9 counters, and there are 8/,
    ],
    ["a line twice", (text) => text.replace(/^(\{"counter":"c\/2".*\n)/m, "$1$1"), /line 14: is not in its order/],
    ["a cut end", (text) => text.slice(0, text.lastIndexOf(`{"end"`)), /line 38: is the last, and the end .* missing/],
    ["half a line", (text) => text.slice(0, 900), /line \d+: is no JSON object/],
    ["more behind the end", (text) => `${text}{}\n`, /line \d+: stands behind the end/],
    ["a strange line", (text) => text.replace(`{"fence"`, `{"ounce"`), /line 38: is no document, counter/],
    [
      "a wrong member",
      (text) => text.replace(`"version":1,"entries"`, `"version":"1","entries"`),
      /line 2: version: invalid_type/,
    ],
    ["a missing value", (text) => text.replace(/("document":"k\/0".*),"value":.*\}/, "$1}"), /line 2: value/],
    ["other spelling", (text) => text.replace(`{"counter":`, `{ "counter":`), /line 11: is not written as an export/],
    ["no fence", (text) => text.replace(/\{"fence".*\n/, ""), /line 38: comes before the fence/],
    ["a newer format", (text) => text.replace(`"version":1`, `"new":0,"version":2`), /has format 2, and this release/],
    ["another program's", () => `{"a":1}\n`, /is not an export of Parhelia/],
    ["text", () => `hello\n`, /is not an export of Parhelia/],
    ["nothing", () => "", /is not an export of Parhelia/],
  ];
  test.each(bodies)("with %s is refused before anything is written", async (_, change, words) => {
    const [file, place] = [newName(), sqlitePlace()];
    const text = change(readFileSync(await sampleFile(), "utf8"));
    writeFileSync(file, text);
    await expect(imported(place, file)).rejects.toThrow(words);
    expect(content(await exported(place))).toBe(`{"fence":0}`);
  });

  test("that is not UTF-8, is a folder, or is missing is named", async () => {
    const file = newName();
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d, 0x0a]));
    await expect(imported(sqlitePlace(), file)).rejects.toThrow("line 1: is not UTF-8");
    await expect(imported(sqlitePlace(), folder)).rejects.toThrow("is not a file");
    await expect(imported(sqlitePlace(), "/nowhere/file")).rejects.toThrow("There is no file /nowhere/file.");
  });

  test("is for its owner alone, and an older one is never written over", async () => {
    const file = await sampleFile();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const lines = async function* () {
      yield "";
    };
    await expect(writeNewFile(file, lines())).rejects.toThrow("exists already and is left as it is");
  });
});

test("a file of another program is neither read nor filled", () => {
  const path = newName();
  writeFileSync(path, "a letter");
  for (const open of [openSqliteSource, openSqliteTarget]) {
    expect(() => open(path)).toThrow(Refusal);
    expect(() => open(path)).toThrow("is not a database of Parhelia, and nothing was changed in it");
  }
});

test("a running engine keeps an import out, and is no hindrance to an export", async () => {
  const path = newName();
  const lock = lockEngine(path);
  onTestFinished(() => lock?.release());
  expect(() => openSqliteTarget(path)).toThrow("Stop it, and import then.");
  expect(() => openSqliteSource(path)).toThrow("There is no store at");
  const store = openSqliteStore({ path });
  for (const each of sample) await store.commit(each);
  const source = openSqliteSource(path);
  const items = source.read(now)[Symbol.asyncIterator]();
  await items.next();
  await store.commit({ op: "later", now, put: [{ key: "later", value: 1 }] });
  let last: unknown;
  for (let next = await items.next(); next.done !== true; next = await items.next()) {
    expect(next.value).not.toMatchObject({ key: "later" });
    last = next.value;
  }
  expect(last).toEqual({ kind: "fence", last: 9 });
  await source.close();
  await store.close();
});

describe.skipIf(!isRedisThere)("redis", () => {
  test("what is written while it is read makes the export fail, a repeated operation too", async () => {
    const late = after(now, hourMs);
    for (const disturbing of [
      { op: "later", now },
      { op: "op/0", now: late },
    ]) {
      const place = redisPlace();
      await filled(place, sample);
      const source = place.source();
      const items = source.read(now)[Symbol.asyncIterator]();
      await items.next();
      await filled(place, [disturbing]);
      const rest = async (): Promise<void> => {
        for (let next = await items.next(); next.done !== true;) next = await items.next();
      };
      await expect(rest()).rejects.toThrow("was written to while it was read. Stop every service");
    }
  });

  test("a document with an end is removed some time after it, all others stay", async () => {
    const [from, to] = [sqlitePlace(), redisPlace()];
    await filled(from, [
      {
        op: "op",
        now,
        put: [
          { key: "ends", value: 1, until: after(now, minuteMs) },
          { key: "stays", value: 1 },
        ],
      },
    ]);
    await imported(to, await exported(from));
    const leftMs = async (key: string): Promise<number> => {
      const body = JSON.stringify(["PTTL", `{archive*[${made - 1}]}:d:${key}`]);
      const headers = { authorization: `Bearer ${upstash?.token}` };
      const answer = await fetch(upstash?.url ?? "", { method: "POST", headers, body });
      return z.object({ result: z.number() }).parse(await answer.json()).result;
    };
    expect(await leftMs("stays")).toBe(-1);
    expect(await leftMs("ends")).toBeGreaterThan(hourMs);
  });

  test("answers that are lost change nothing, and a wrong token is said without a value", async () => {
    const [file, place] = [await sampleFile(), redisPlace()];
    upstash?.faults.next({ argument: /^\{"key":"store\/import"/ }, { do: "cut", applied: "all" });
    await imported(place, file, { items: 5, characters: 1000 });
    expect(upstash?.faults.unused()).toEqual([]);
    expect(content(await exported(place))).toBe(content(file));
    const wrong = openRedisArchive({ url: upstash?.url ?? "", token: "wrong", now: () => now });
    await expect(importFile(wrong, file, world)).rejects.toThrow(/WRONGPASS.*Check store\.url and UPSTASH/);
  });
});
