/** What the ledger must say wherever a test looks at it: every sum is what its lines come to, and no slice was drawn or settled twice. */
import { expect } from "vitest";
import { monthOf } from "../../src/core/budget.ts";
import { after, dayMs, type Instant } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { recount, type Recount } from "../../src/records/recount.ts";

/** The month before, this one and the next, none left out on any day: a test is over within that time. */
export const monthsAround = (now: Instant): string[] => [
  ...new Set([-31, -15, 0, 15, 31].map((days) => monthOf(after(now, days * dayMs)))),
];

/** Ids of the slices that are still held. */
export async function expectLedger(store: Store, now: Instant): Promise<Recount> {
  const counted = await recount(store, now, monthsAround(now));
  expect(counted.broken, "drawn and settled once").toEqual([]);
  expect(counted.wrong, "each sum is what the lines come to").toEqual([]);
  return counted;
}
