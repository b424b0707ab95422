/** What `commit` promises of leases, and of an operation that is given twice. */
import { describe, expect, test } from "vitest";
import { after, minuteMs } from "../../src/core/instant.ts";
import type { LeaseAct, Store } from "../../src/core/ports/store.ts";
import { done, opened, start, type Step } from "./store-commits.ts";

export function keepsLeases(open: () => Promise<Store>): void {
  describe("leases", () => {
    const ann = { name: "l", holder: "ann", ttlMs: minuteMs };
    const bob = { name: "l", holder: "bob", ttlMs: minuteMs };
    const heldBy = (is: string) => ({ ok: false, failed: [{ kind: "lease", name: "l", is }] });

    test("one holder at a time, until the lease ends", async () => {
      const { commit } = await opened(open);
      expect(await commit({ leases: [{ ...ann, act: "take" }] })).toEqual(done([1]));
      expect(await commit({ leases: [{ ...bob, act: "take" }] })).toEqual(heldBy("ann"));
      expect(await commit({ leases: [{ ...ann, act: "take" }] })).toEqual(heldBy("ann"));
      const [last, end] = [after(start, minuteMs - 1), after(start, minuteMs)];
      expect(await commit({ now: last, leases: [{ ...bob, act: "take" }] })).toEqual(heldBy("ann"));
      expect(await commit({ now: end, leases: [{ ...bob, act: "take" }] })).toEqual(done([2]));
    });

    test("fences grow over the whole store, and a released lease does not start again", async () => {
      const { commit } = await opened(open);
      expect(await commit({ leases: [{ ...ann, act: "take" }] })).toEqual(done([1]));
      expect(await commit({ leases: [{ ...ann, act: "release", fence: 1 }] })).toEqual(done([1]));
      const both: LeaseAct[] = [
        { ...ann, act: "take" },
        { ...ann, name: "other", act: "take" },
      ];
      expect(await commit({ leases: both })).toEqual(done([2, 3]));
    });

    test.each(["renew", "release", "hold"] as const)("%s is for the holder with its fence alone", async (act) => {
      const { store, commit } = await opened(open);
      const effect = { add: [{ counter: "n", by: 1 }] };
      expect(await commit({ leases: [{ ...ann, act, fence: 1 }], ...effect })).toEqual(heldBy(""));
      await commit({ leases: [{ ...ann, act: "take" }] });
      expect(await commit({ leases: [{ ...bob, act, fence: 1 }], ...effect })).toEqual(heldBy("ann"));
      expect(await commit({ leases: [{ ...ann, act, fence: 2 }], ...effect })).toEqual(heldBy("ann"));
      const end = after(start, minuteMs);
      expect(await commit({ now: end, leases: [{ ...ann, act, fence: 1 }], ...effect })).toEqual(heldBy(""));
      expect(await store.look(end, [{ counter: "n" }])).toEqual([0]);
    });

    test("renew moves the end, hold does not", async () => {
      const { commit } = await opened(open);
      await commit({ leases: [{ ...ann, act: "take" }] });
      const [middle, end] = [after(start, minuteMs / 2), after(start, minuteMs)];
      expect(await commit({ now: middle, leases: [{ ...ann, act: "renew", fence: 1 }] })).toEqual(done([1]));
      expect(await commit({ now: end, leases: [{ ...ann, act: "hold", fence: 1 }] })).toEqual(done([1]));
      expect(await commit({ now: after(middle, minuteMs), leases: [{ ...bob, act: "take" }] })).toEqual(done([2]));
    });

    test("a holder whose lease another took can do nothing any more", async () => {
      const { store, commit } = await opened(open);
      await commit({ leases: [{ ...ann, act: "take" }] });
      const end = after(start, minuteMs);
      await commit({ now: end, leases: [{ ...bob, act: "take" }] });
      const late: Step = { leases: [{ ...ann, act: "hold", fence: 1 }], put: [{ key: "a", value: 1 }] };
      expect(await commit({ now: end, ...late })).toEqual(heldBy("bob"));
      expect(await store.look(end, [{ get: "a" }])).toEqual([undefined]);
    });
  });
}

export function doesOperationsOnce(open: () => Promise<Store>): void {
  describe("operations", () => {
    const step: Step = {
      op: "one",
      leases: [{ name: "l", act: "take", holder: "ann", ttlMs: minuteMs }],
      add: [{ counter: "n", by: 1 }],
      append: [{ log: "x", values: [1, 2] }],
    };

    test("a repeated operation gets the first answer, and its effects are there once", async () => {
      const { store, commit } = await opened(open);
      const [first, second] = await Promise.all([commit(step), commit(step)]);
      expect([first, second]).toEqual([done([1], [2]), done([1], [2])]);
      expect(await commit({ ...step, now: after(start, 10 * minuteMs - 1) })).toEqual(done([1], [2]));
      expect(await store.look(start, [{ counter: "n" }])).toEqual([1]);
    });

    test("ten minutes later it is a new one", async () => {
      const { commit } = await opened(open);
      await commit(step);
      expect(await commit({ ...step, now: after(start, 10 * minuteMs) })).toEqual(done([2], [4]));
    });

    test("a refusal is judged again", async () => {
      const { commit } = await opened(open);
      const last = { op: "one", add: [{ counter: "n", by: -1, min: 0 }] };
      expect(await commit(last)).toMatchObject({ ok: false });
      await commit({ add: [{ counter: "n", by: 1 }] });
      expect(await commit(last)).toEqual(done());
    });
  });
}
