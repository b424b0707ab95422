/** What `commit` promises of the questions that it is given along. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { Store } from "../../src/core/ports/store.ts";
import { opened, start, type Step } from "./store-commits.ts";

export function answersWithCommits(open: () => Promise<Store>): void {
  describe("answers of a commit", () => {
    const asked = [
      { get: "a" },
      { counter: "n" },
      { range: "i", limit: 9, each: { prefix: "of/", limit: 1 } },
      { read: "x", limit: 9 },
    ] as const;
    const change: Step = {
      add: [{ counter: "n", by: 2 }],
      put: [{ key: "a", value: { b: 1 }, entries: [["i", "1"]] }],
      append: [{ log: "x", values: ["line"] }],
    };
    const document = { key: "a", version: 1, value: { b: 1 } };
    const after1 = [document, 2, [{ key: "a", sort: "1", document, heads: [] }], [{ number: 1, value: "line" }]];

    test("show what it did", async () => {
      const store = await open();
      onTestFinished(() => store.close());
      const result = await store.commit({ op: "one", now: start, ...change }, asked);
      expect(result).toEqual({ ok: true, fences: [], numbers: [1], answers: after1 });
    });

    test("show what stands in the way of one that was refused", async () => {
      const { store, commit } = await opened(open);
      await commit(change);
      const refused = await store.commit({ op: "no", now: start, versions: [["a", 7]], ...change }, asked);
      expect(refused).toEqual({ ok: false, failed: [{ kind: "version", name: "a", is: 1 }], answers: after1 });
    });

    test("of one that was done before show what there is now", async () => {
      const { store, commit } = await opened(open);
      await commit({ op: "one", ...change });
      await commit({ add: [{ counter: "n", by: 5 }] });
      const again = await store.commit({ op: "one", now: start, ...change }, [{ counter: "n" }]);
      expect(again).toEqual({ ok: true, fences: [], numbers: [1], answers: [7] });
    });

    test("each of several at once gets its own, and a question that cannot be put is the fault of its commit alone", async () => {
      const store = await open();
      onTestFinished(() => store.close());
      const put = (key: string) => ({ op: key, now: start, put: [{ key, value: key }] });
      const [a, bad, b] = await Promise.allSettled([
        store.commit(put("a"), [{ get: "a" }]),
        store.commit(put("bad"), [{ range: "i", limit: -1 }]),
        store.commit(put("b"), [{ get: "b" }, { get: "a" }, { get: "bad" }]),
      ]);
      expect(a).toMatchObject({ value: { ok: true, answers: [{ key: "a", value: "a" }] } });
      expect(bad.status).toBe("rejected");
      expect(b).toMatchObject({ value: { ok: true, answers: [{ value: "b" }, { value: "a" }, undefined] } });
      expect(await store.look(start, [{ get: "bad" }])).toEqual([undefined]);
    });
  });
}
