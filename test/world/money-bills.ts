/** What the ledger says at the end of a history, held against what the model and the backend would bill. */
import { expect } from "vitest";
import type { Entry } from "../../src/records/ledger-entry.ts";
import type { Play } from "./money-play.ts";
import { chargedFor, priceOf } from "./money-rules.ts";

export function expectBills(
  play: Play,
  lines: readonly Entry[],
  how: "calm" | "mishaps",
): { bill: number; total: number } {
  const { w, model, counted, uncertain, vanished, setBackMs } = play;
  const charged = chargedFor(lines);
  const bills = (calls: ReadonlySet<{ readonly bill: number }>): number =>
    [...calls].reduce((sum, { bill }) => sum + bill, 0);
  // What the service saw is charged as billed, to the micro-dollar; of the rest each call at its worst.
  expect(charged.model, "model: never below the bill").toBeGreaterThanOrEqual(model.bill());
  expect(charged.model - charged.worst, "model: what was counted").toBeGreaterThanOrEqual(bills(counted));
  expect(charged.model - charged.worst, "model: what was counted").toBeLessThanOrEqual(
    bills(counted) + bills(uncertain),
  );
  const worst = lines.filter(({ do: what, used }) => what === "charge" && used?.worstCase === true).length;
  expect(worst, "worst cases: one for each call that broke off").toBeLessThanOrEqual(
    uncertain.size + (how === "calm" ? 0 : vanished),
  );
  let compute = 0;
  for (const { name, ms, lifetimeMs } of w.sandboxes.bill()) {
    const attempt = name.slice("parhelia-".length);
    const sum = charged.compute.get(attempt) ?? 0;
    compute += priceOf(ms);
    // A clock that is set back hides so much of a sandbox's time; nobody but the backend could know.
    const atLeast = priceOf(ms) - priceOf(setBackMs);
    expect(sum, `compute of ${attempt}: never below the bill`).toBeGreaterThanOrEqual(atLeast);
    expect(sum, `compute of ${attempt}: within its slice`).toBeLessThanOrEqual(priceOf(lifetimeMs));
    if (how === "calm") expect(sum, `compute of ${attempt}`).toBe(priceOf(ms));
  }
  const computed = [...charged.compute.values()].reduce((sum, each) => sum + each, 0);
  const sums = { bill: model.bill() + compute, total: charged.model + computed };
  if (how === "calm") expect(sums.total, "the ledger is the bill").toBe(sums.bill);
  return sums;
}
