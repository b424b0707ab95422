/** What `look`, `onWake` and `close` promise. */
import { describe, expect, onTestFinished, test } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import type { Commit, Put, Query, Store } from "../../src/core/ports/store.ts";

const now = Instant.parse(1_800_000_000_000);
type Range = Extract<Query, { range: string }>;
type Read = Extract<Query, { read: string }>;

async function opened(open: () => Promise<Store>, put: readonly Put[] = []): Promise<Store> {
  const store = await open();
  onTestFinished(() => store.close());
  await store.commit({ op: "first", now, put });
  return store;
}

export function findsRanges(open: () => Promise<Store>): void {
  describe("ranges", () => {
    // In bytes "10" is before "2", and entries of one sort go by their keys.
    const rows = ["1 a", "10 a", "2 a", "2 b", "2 c", "3 a"];
    const puts: readonly Put[] = ["a", "b", "c"].map((key) => ({
      key,
      value: key,
      entries: rows.filter((row) => row.endsWith(key)).map((row) => ["i", row.slice(0, -2)]),
    }));
    const asked = async (store: Store, range: Omit<Range, "range">): Promise<string[]> => {
      const [hits] = await store.look(now, [{ range: "i", ...range }]);
      return hits.map(({ sort, key }) => `${sort} ${key}`);
    };

    test("in order of sort and key as bytes, both ends included, either way", async () => {
      const store = await opened(open, puts);
      expect(await asked(store, { limit: 9 })).toEqual(rows);
      expect(await asked(store, { limit: 9, back: true })).toEqual(rows.toReversed());
      expect(await asked(store, { limit: 2 })).toEqual(rows.slice(0, 2));
      expect(await asked(store, { limit: 0 })).toEqual([]);
      expect(await asked(store, { limit: 9, from: "10", to: "2" })).toEqual(rows.slice(1, 5));
      expect(await asked(store, { limit: 2, from: "10", to: "2", back: true })).toEqual(["2 c", "2 b"]);
      expect(await asked(store, { limit: 9, from: "3", to: "1" })).toEqual([]);
    });

    test.each([
      { order: rows, back: false },
      { order: rows.toReversed(), back: true },
    ])("pages go on behind the last entry, back: $back", async ({ order, back }) => {
      const store = await opened(open, puts);
      const seen: string[] = [];
      let last: { sort: string; key: string } | undefined;
      do {
        const page = await asked(store, { limit: 2, back, ...(last && { after: last }) });
        seen.push(...page);
        const [sort, key] = page.at(-1)?.split(" ") ?? [];
        last = sort === undefined || key === undefined ? undefined : { sort, key };
      } while (last !== undefined);
      expect(seen).toEqual(order);
    });

    test("a page keeps the bounds, also where the entry it goes on behind is gone or outside of them", async () => {
      const store = await opened(open, puts);
      const bounds = { from: "10", to: "2", limit: 9 };
      expect(await asked(store, { ...bounds, after: { sort: "2", key: "aa" } })).toEqual(["2 b", "2 c"]);
      expect(await asked(store, { ...bounds, after: { sort: "", key: "z" } })).toEqual(rows.slice(1, 5));
      expect(await asked(store, { ...bounds, after: { sort: "3", key: "a" }, back: true })).toHaveLength(4);
    });

    test("each adds the heads of another index for every hit", async () => {
      const store = await opened(open, [
        { key: "one", value: 1, entries: [["ready", "1"]] },
        { key: "two", value: 2, entries: [["ready", "2"]] },
        { key: "x", value: "x", entries: [["queue/one", "2"]] },
        { key: "y", value: "y", entries: [["queue/one", "1"]] },
        { key: "z", value: "z", entries: [["queue/one", "3"]] },
      ]);
      const heads = async (limit: number): Promise<string[][]> => {
        const [hits] = await store.look(now, [{ range: "ready", limit: 9, each: { prefix: "queue/", limit } }]);
        expect(hits.map(({ key }) => key)).toEqual(["one", "two"]);
        return hits.map(({ heads }) => heads.map(({ document }) => String(document?.value)));
      };
      expect(await heads(1)).toEqual([["y"], []]);
      expect(await heads(2)).toEqual([["y", "x"], []]);
      expect(await heads(0)).toEqual([[], []]);
    });
  });
}

export function readsLogs(open: () => Promise<Store>): void {
  describe("logs", () => {
    test("pages run from a number up, or down below a number", async () => {
      const store = await opened(open);
      await store.commit({ op: "append", now, append: [{ log: "x", values: [1, 2, 3, 4, 5] }] });
      const asked = async (page: Omit<Read, "read">): Promise<number[]> => {
        const [lines] = await store.look(now, [{ read: "x", ...page }]);
        expect(lines.map(({ value }) => value)).toEqual(lines.map(({ number }) => number));
        return lines.map(({ number }) => number);
      };
      expect(await asked({ limit: 2 })).toEqual([1, 2]);
      expect(await asked({ limit: 2, after: 2 })).toEqual([3, 4]);
      expect(await asked({ limit: 2, after: 5 })).toEqual([]);
      expect(await asked({ limit: 2, back: true })).toEqual([5, 4]);
      expect(await asked({ limit: 2, back: true, before: 4 })).toEqual([3, 2]);
      expect(await asked({ limit: 9, after: 1, before: 4 })).toEqual([2, 3]);
      expect(await asked({ limit: 9, back: true, after: 1, before: 4 })).toEqual([3, 2]);
    });
  });
}

export function trimsLogs(open: () => Promise<Store>): void {
  describe("trimming", () => {
    test("takes lines below a number and never the last, or the whole log", async () => {
      const store = await opened(open);
      const step = (op: string, change: Omit<Commit, "op" | "now">) => store.commit({ op, now, ...change });
      const numbers = async (): Promise<number[]> => {
        const [lines] = await store.look(now, [{ read: "x", limit: 9 }]);
        return lines.map(({ number }) => number);
      };
      await step("append", { append: [{ log: "x", values: ["a", "b", "c"] }] });
      await step("below 2", { trim: [{ log: "x", below: 2 }] });
      expect(await numbers()).toEqual([2, 3]);
      await step("below 9", { trim: [{ log: "x", below: 9 }] });
      expect(await numbers()).toEqual([3]);
      expect(await step("go on", { append: [{ log: "x", values: ["d"] }] })).toMatchObject({ numbers: [4] });
      await step("all", { trim: [{ log: "x", below: "everything" }] });
      expect(await numbers()).toEqual([]);
      const again = await step("again", { append: [{ log: "x", values: ["e", "f"] }], trim: [{ log: "x", below: 2 }] });
      expect(again).toMatchObject({ numbers: [2] });
      expect(await numbers()).toEqual([2]);
      await step("of none", { trim: [{ log: "y", below: 7 }] });
    });
  });
}

/** A store may say at any time that anything may be news. */
const listen = (store: Store, hear: (topic: string) => void): (() => void) =>
  store.onWake((topic) => {
    if (topic !== "*") hear(topic);
  });

export function tellsNews(open: () => Promise<Store>): void {
  describe("wakes", () => {
    test("a listener hears the topics of what was done, and nothing of what was refused", async () => {
      const store = await opened(open);
      const topics: string[] = [];
      const heard = new Promise<void>((resolve) => {
        listen(store, (topic) => {
          topics.push(topic);
          if (topic === "last") resolve();
        });
      });
      await store.commit({ op: "refused", now, versions: [["a", 7]], wake: ["never"] });
      await store.commit({ op: "done", now, wake: ["first", "last"] });
      await heard;
      expect(topics).toEqual(["first", "last"]);
    });

    test("a listener that another one stops, before it was told, hears nothing", async () => {
      const store = await opened(open);
      const topics: string[] = [];
      let stopSecond = (): void => undefined;
      listen(store, () => stopSecond());
      stopSecond = listen(store, (topic) => topics.push(topic));
      const heard = new Promise<string>((resolve) => listen(store, resolve));
      await store.commit({ op: "done", now, wake: ["news"] });
      expect(await heard).toBe("news");
      expect(topics).toEqual([]);
    });

    test("who has stopped listening hears nothing", async () => {
      const store = await opened(open);
      const topics: string[] = [];
      const stop = listen(store, (topic) => topics.push(topic));
      stop();
      const heard = new Promise<string>((resolve) => listen(store, resolve));
      await store.commit({ op: "done", now, wake: ["news"] });
      expect(await heard).toBe("news");
      expect(topics).toEqual([]);
    });
  });
}

export function closes(open: () => Promise<Store>): void {
  describe("close", () => {
    test("does what was given before it, and refuses what comes after", async () => {
      const store = await open();
      const given = store.commit({ op: "given", now, put: [{ key: "a", value: 1 }] });
      await store.close();
      expect(await given).toMatchObject({ ok: true });
      await expect(store.commit({ op: "late", now })).rejects.toThrow("the store is closed");
      await expect(store.look(now, [{ get: "a" }])).rejects.toThrow("the store is closed");
      await store.close();
    });
  });
}
