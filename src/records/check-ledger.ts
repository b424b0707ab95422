/** Whether the sums of one month are what its ledger's lines come to, while the service may go on writing both. */
import { monthOf } from "../core/budget.ts";
import { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { entriesOf, recount, type Recount } from "./recount.ts";

export interface Checked {
  readonly lines: number;
  /** Sums of the month that differ from its lines. */
  readonly wrong: Recount["wrong"];
  /** Slices with a line in the month that were drawn or settled more than once, or settled and never drawn. */
  readonly broken: readonly string[];
}

/** Sums of a task and of an attempt are not looked at: they may span months, and end with the task. */
export async function checkLedger(store: Store, now: Instant, month: string): Promise<Checked> {
  const first = await count(store, now, month);
  if (first.wrong.length === 0 && first.broken.length === 0) return first;
  // What was written between the lines and the sums is no fault: one that stands is the same when it is counted again.
  const again = await count(store, now, month);
  const before = new Set([...first.wrong.map(difference), ...first.broken]);
  return {
    lines: again.lines,
    wrong: again.wrong.filter((each) => before.has(difference(each))),
    broken: again.broken.filter((each) => before.has(each)),
  };
}

const difference = ({ counter, is, shouldBe }: Recount["wrong"][number]): string => `${counter} ${is - shouldBe}`;

async function count(store: Store, now: Instant, month: string): Promise<Checked> {
  // A slice may be drawn before midnight and settled behind it.
  const counted = await recount(store, now, [monthBeside(month, -1), month, monthBeside(month, 1)]);
  const slices = new Set<string>();
  let lines = 0;
  for await (const { slice } of entriesOf(store, now, month)) {
    lines += 1;
    slices.add(slice);
  }
  return {
    lines,
    wrong: counted.wrong.filter(({ counter }) => dateIn(counter)?.startsWith(month) === true),
    broken: counted.broken.filter((slice) => slices.has(slice)),
  };
}

/** `2026-11-25` of `spent/service/2026-11-25/model`. */
const dateIn = (counter: string): string | undefined => /\/(\d{4}-\d{2}(?:-\d{2})?)(?:\/|$)/.exec(counter)?.[1];

function monthBeside(month: string, by: number): string {
  const date = new Date(month);
  return monthOf(Instant.parse(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + by, 1)));
}
