/** What the ledger must say wherever a test looks at it: every sum is what its lines come to, and no slice was drawn or settled twice. */
import { expect } from "vitest";
import { monthOf } from "../../src/core/budget.ts";
import { after, dayMs, type Instant } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { recount, type Recount } from "../../src/records/recount.ts";

/** Ids of the slices that are still held. A test is over within a month or two. */
export async function expectLedger(store: Store, now: Instant): Promise<Recount> {
  const months = [...new Set([-31, 0, 31].map((days) => monthOf(after(now, days * dayMs))))];
  const counted = await recount(store, now, months);
  expect(counted.broken, "drawn and settled once").toEqual([]);
  expect(counted.wrong, "each sum is what the lines come to").toEqual([]);
  return counted;
}
