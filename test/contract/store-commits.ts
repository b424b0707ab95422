/** What `commit` promises of conditions and effects. */
import { describe, expect, onTestFinished, test } from "vitest";
import { after, Instant, minuteMs } from "../../src/core/instant.ts";
import type { Commit, CommitResult, Store } from "../../src/core/ports/store.ts";

export const start = Instant.parse(1_800_000_000_000);

export type Step = Omit<Commit, "op" | "now"> & { readonly op?: string; readonly now?: Instant };

/** Commits with an operation of their own each, at `start` unless they say otherwise; they ask nothing along. */
export async function opened(
  open: () => Promise<Store>,
): Promise<{ store: Store; commit(step: Step): Promise<CommitResult> }> {
  const store = await open();
  onTestFinished(() => store.close());
  let steps = 0;
  return {
    store,
    async commit(step) {
      const { answers, ...result } = await store.commit({ op: `step/${++steps}`, now: start, ...step });
      expect(answers).toEqual([]);
      return result;
    },
  };
}

/** The answer to a commit that was done. */
export const done = (fences: number[] = [], numbers: number[] = []): CommitResult => ({ ok: true, fences, numbers });

export function judgesConditions(open: () => Promise<Store>): void {
  describe("conditions", () => {
    test("a version fits, or the refusal says which one there is", async () => {
      const { store, commit } = await opened(open);
      expect(await commit({ versions: [["a", 0]], put: [{ key: "a", value: 1 }] })).toEqual(done());
      expect(await commit({ versions: [["a", 0]], put: [{ key: "a", value: 2 }] })).toEqual({
        ok: false,
        failed: [{ kind: "version", name: "a", is: 1 }],
      });
      expect(await commit({ versions: [["a", 1]], put: [{ key: "a", value: 3 }] })).toEqual(done());
      expect(await commit({ versions: [["b", 1]] })).toEqual({
        ok: false,
        failed: [{ kind: "version", name: "b", is: 0 }],
      });
      expect(await store.look(start, [{ get: "a" }])).toEqual([{ key: "a", version: 2, value: 3 }]);
    });

    test("a counter stays within its bounds, which hold for the value after the addition", async () => {
      const { store, commit } = await opened(open);
      expect(await commit({ add: [{ counter: "n", by: 3, min: 3, max: 3 }] })).toEqual(done());
      const refused = { ok: false, failed: [{ kind: "counter", name: "n", is: 3 }] };
      expect(await commit({ add: [{ counter: "n", by: 1, max: 3 }] })).toEqual(refused);
      expect(await commit({ add: [{ counter: "n", by: -4, min: 0 }] })).toEqual(refused);
      expect(await commit({ add: [{ counter: "n", by: 0, min: 4 }] })).toEqual(refused);
      expect(await commit({ add: [{ counter: "n", by: -3, min: 0 }] })).toEqual(done());
      expect(await commit({ add: [{ counter: "below", by: -7 }] })).toEqual(done());
      expect(await store.look(start, [{ counter: "n" }, { counter: "below" }, { counter: "none" }])).toEqual([
        0, -7, 0,
      ]);
    });

    test("additions to one counter are judged in their order", async () => {
      const { store, commit } = await opened(open);
      const up = { counter: "n", by: 2, max: 2 };
      const down = { counter: "n", by: -2 };
      expect(await commit({ add: [up, down, up] })).toEqual(done());
      expect(await commit({ add: [down, up, up] })).toMatchObject({ failed: [{ kind: "counter", name: "n", is: 2 }] });
      expect(await store.look(start, [{ counter: "n" }])).toEqual([2]);
    });

    test("sums that need sixteen digits are exact", async () => {
      const { store, commit } = await opened(open);
      await commit({ add: [{ counter: "n", by: 9_007_199_254_740_000 }] });
      await commit({ add: [{ counter: "n", by: 991 }] });
      expect(await store.look(start, [{ counter: "n" }])).toEqual([9_007_199_254_740_991]);
    });

    test("a refusal names all that failed, and nothing of the commit is done", async () => {
      const { store, commit } = await opened(open);
      await commit({ leases: [{ name: "l", act: "take", holder: "ann", ttlMs: minuteMs }] });
      const result = await commit({
        versions: [["a", 4]],
        leases: [{ name: "l", act: "take", holder: "bob", ttlMs: minuteMs }],
        add: [
          { counter: "good", by: 1, max: 1 },
          { counter: "n", by: 2, max: 1 },
        ],
        put: [{ key: "b", value: 1, entries: [["i", "1"]] }],
        append: [{ log: "x", values: [1] }],
      });
      expect(result.ok ? [] : result.failed).toHaveLength(3);
      expect(result).toMatchObject({
        failed: expect.arrayContaining([
          { kind: "version", name: "a", is: 0 },
          { kind: "lease", name: "l", is: "ann" },
          { kind: "counter", name: "n", is: 0 },
        ]),
      });
      const left = [{ counter: "good" }, { get: "b" }, { range: "i", limit: 9 }, { read: "x", limit: 9 }] as const;
      expect(await store.look(start, left)).toEqual([0, undefined, [], []]);
    });

    test("of commits that are given at once, each sees what those before it did, and a refused one sinks no other", async () => {
      const { store, commit } = await opened(open);
      const draws = Array.from({ length: 10 }, (_, number) =>
        commit({ add: [{ counter: "n", by: 1, max: 4 }], append: [{ log: "x", values: [number] }] }),
      );
      const results = await Promise.all(draws);
      expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true, ...Array.from({ length: 6 }, () => false)]);
      const [lines] = await store.look(start, [{ read: "x", limit: 9 }]);
      expect(lines.map(({ value }) => value)).toEqual([0, 1, 2, 3]);
    });
  });
}

export function doesEffects(open: () => Promise<Store>): void {
  describe("effects", () => {
    test("a document holds any JSON as it was when it was given", async () => {
      const { store, commit } = await opened(open);
      const value = { text: "“ä” \u0000 \ud83d\ude00", list: [null, true, 1.5, []], none: {}, "": "empty name" };
      const changing = structuredClone(value);
      const given = commit({ put: [{ key: "a", value: changing }] });
      changing.text = "changed later";
      await given;
      expect(await store.look(start, [{ get: "a" }])).toEqual([{ key: "a", version: 1, value }]);
    });

    test("a put replaces all index entries of its document, and a deletion takes them away", async () => {
      const { store, commit } = await opened(open);
      const sorts = async (): Promise<string[][]> => {
        const ranges = await store.look(start, [
          { range: "i", limit: 9 },
          { range: "j", limit: 9 },
        ]);
        return ranges.map((hits) => hits.map(({ sort }) => sort));
      };
      const [i1, i2, j1] = [["i", "1"] as const, ["i", "2"] as const, ["j", "1"] as const];
      await commit({ put: [{ key: "a", value: 1, entries: [i1, i2, i1] }] });
      expect(await sorts()).toEqual([["1", "2"], []]);
      await commit({ put: [{ key: "a", value: 1, entries: [i2, j1] }] });
      expect(await sorts()).toEqual([["2"], ["1"]]);
      await commit({ put: [{ key: "a", value: undefined }] });
      expect(await sorts()).toEqual([[], []]);
      await commit({ versions: [["a", 0]], put: [{ key: "a", value: 1, entries: [j1] }] });
      await commit({ put: [{ key: "a", value: 2 }] });
      expect(await sorts()).toEqual([[], []]);
    });

    test("ensure leaves a document alone where it exists", async () => {
      const { store, commit } = await opened(open);
      await commit({ put: [{ key: "a", value: 1, ensure: true, entries: [["i", "1"]] }] });
      expect(await commit({ put: [{ key: "a", value: 2, ensure: true, entries: [["i", "2"]] }] })).toEqual(done());
      const document = { key: "a", version: 1, value: 1 };
      const look = await store.look(start, [{ get: "a" }, { range: "i", limit: 9 }]);
      expect(look).toEqual([document, [{ key: "a", sort: "1", document, heads: [] }]]);
    });

    test("a guarded put is done or skipped by what the additions of its commit leave", async () => {
      const { store, commit } = await opened(open);
      const put = [
        { key: "some", value: 1, if: { counter: "n", min: 1 } },
        { key: "none", value: 1, if: { counter: "n", max: 0 } },
        { key: "two", value: 1, if: { counter: "n", min: 2, max: 2 } },
      ];
      expect(await commit({ add: [{ counter: "n", by: 1 }], put })).toEqual(done());
      const asked = [{ get: "some" }, { get: "none" }, { get: "two" }] as const;
      const versions = async () => (await store.look(start, asked)).map((document) => document?.version);
      expect(await versions()).toEqual([1, undefined, undefined]);
      await commit({ add: [{ counter: "n", by: 1 }], put });
      expect(await versions()).toEqual([2, undefined, 1]);
      await commit({ add: [{ counter: "n", by: -2 }], put });
      expect(await versions()).toEqual([2, 1, 1]);
    });

    test("a put for one version is skipped where the document has another, and hinders nothing", async () => {
      const { store, commit } = await opened(open);
      const put = (version: number, value: number): Step => ({
        put: [
          { key: "a", value, if: { version } },
          { key: "b", value },
        ],
      });
      const values = async () => (await store.look(start, [{ get: "a" }, { get: "b" }])).map((each) => each?.value);
      expect(await commit(put(1, 1))).toEqual(done());
      expect(await values()).toEqual([undefined, 1]);
      await commit(put(0, 2));
      await commit(put(0, 3));
      expect(await values()).toEqual([2, 3]);
      await commit(put(1, 4));
      expect(await values()).toEqual([4, 4]);
      await commit({ put: [{ key: "a", value: undefined, if: { version: 1 } }] });
      expect(await values()).toEqual([4, 4]);
      await commit({ put: [{ key: "a", value: undefined, if: { version: 2 } }] });
      expect(await values()).toEqual([undefined, 4]);
    });

    test("a document is gone from its end on, for conditions, ensure and look alike", async () => {
      const { store, commit } = await opened(open);
      const until = after(start, minuteMs);
      const before = after(start, minuteMs - 1);
      await commit({ put: [{ key: "a", value: 1, until }] });
      expect(await store.look(before, [{ get: "a" }])).toMatchObject([{ version: 1 }]);
      expect(await commit({ now: before, versions: [["a", 1]] })).toEqual(done());
      expect(await store.look(until, [{ get: "a" }])).toEqual([undefined]);
      expect(await commit({ now: until, versions: [["a", 0]], put: [{ key: "a", value: 2, ensure: true }] })).toEqual(
        done(),
      );
      expect(await store.look(after(until, minuteMs), [{ get: "a" }])).toEqual([{ key: "a", version: 1, value: 2 }]);
    });

    test("lines are numbered from 1 in each log, without gaps", async () => {
      const { store, commit } = await opened(open);
      const append = [
        { log: "x", values: ["a", "b"] },
        { log: "y", values: ["c"] },
      ];
      expect(await commit({ append })).toEqual(done([], [2, 1]));
      expect(await commit({ versions: [["none", 1]], append })).toMatchObject({ ok: false });
      expect(await commit({ append: [...append, { log: "x", values: [] }] })).toEqual(done([], [4, 2, 4]));
      const [x] = await store.look(start, [{ read: "x", limit: 9 }]);
      expect(x).toEqual(["a", "b", "a", "b"].map((value, place) => ({ number: place + 1, value })));
    });

    test.each<[what: string, step: Step]>([
      ["a key beyond ASCII", { put: [{ key: "ä", value: 1 }] }],
      ["an empty key", { put: [{ key: "", value: 1 }] }],
      ["an end together with entries", { put: [{ key: "b", value: 1, until: start, entries: [["i", "1"]] }] }],
      ["a lease without a length", { leases: [{ name: "l", act: "take", holder: "ann" }] }],
      ["an addition that is no whole number", { add: [{ counter: "n", by: 0.5 }] }],
    ])("%s is the caller's fault and reaches nobody else", async (_what, step) => {
      const { store, commit } = await opened(open);
      const [good, bad, better] = await Promise.allSettled([
        commit({ put: [{ key: "a", value: 1 }] }),
        commit({ ...step, append: [{ log: "x", values: [1] }] }),
        commit({ put: [{ key: "a", value: 2 }] }),
      ]);
      expect([good.status, bad.status, better.status]).toEqual(["fulfilled", "rejected", "fulfilled"]);
      expect(await store.look(start, [{ get: "a" }, { read: "x", limit: 9 }])).toMatchObject([{ version: 2 }, []]);
    });
  });
}
