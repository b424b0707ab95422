/** What was spent of one purse on each of many days, or in each of many months: its sums stay when the tasks are gone. */
import { dayOf, monthOf } from "../core/budget.ts";
import { after, dayMs, Instant } from "../core/instant.ts";
import type { MicroUsd } from "../core/money.ts";
import type { Store } from "../core/ports/store.ts";
import { moneyOf } from "./spending.ts";

export interface Spent {
  /** `2026-11-25`, or `2026-11`. */
  readonly date: string;
  readonly model: MicroUsd;
  readonly compute: MicroUsd;
  readonly total: MicroUsd;
}

/** Today and the days before it, oldest first, as UTC has them. */
export const lastDays = (now: Instant, count: number): string[] =>
  Array.from({ length: count }, (_, back) => dayOf(after(now, (back + 1 - count) * dayMs)));

/** This month and those before it, oldest first. */
export function lastMonths(now: Instant, count: number): string[] {
  const date = new Date(now);
  return Array.from({ length: count }, (_, back) =>
    monthOf(Instant.parse(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + back + 1 - count, 1))),
  );
}

/** In the order of the dates, in one look. `scope` names the purse on any date: `service/2026-11`. */
export async function spendingHistory(
  store: Store,
  now: Instant,
  { scope, dates }: { scope: string; dates: readonly string[] },
): Promise<Spent[]> {
  const sums = await moneyOf(
    store,
    now,
    dates.map((date) => scope.replace(/[^/]+$/, date)),
  );
  return sums.map(({ model, compute, spent }, place) => ({ date: dates[place] ?? "", model, compute, total: spent }));
}
