/** A few histories about money for every run of the tests; `npm run proof -- money-histories` plays more. */
import { expect, test } from "vitest";
import { playMoneyHistories } from "../world/money-histories.ts";

test("in calm: every ceiling holds, what is in flight is held, and the ledger is what the stand-ins bill", async () => {
  const { bill, calls } = await playMoneyHistories("calm", 1, 20_261_125);
  expect(bill).toBeGreaterThan(0);
  expect(calls).toBeGreaterThan(0);
});

test("with deaths, losses and clocks that are set: the same, and the ledger is never below the bill", async () => {
  const { bill, ledger, crashes } = await playMoneyHistories("mishaps", 2, 20_261_125);
  expect(ledger).toBeGreaterThan(bill);
  expect(crashes).toBeGreaterThan(0);
});
