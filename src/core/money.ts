/**
 * Money in integer micro-dollars (1 USD = 1,000,000 µ$). Amounts stay below 10^14, the largest integer
 * that every store counts exactly (Redis scripts keep 14 digits).
 */
import { z } from "zod";

export const MicroUsd = z.int().min(0).max(99_999_999_999_999).brand("MicroUsd");
export type MicroUsd = z.output<typeof MicroUsd>;

export const noMoney: MicroUsd = MicroUsd.parse(0);

export const microUsd = (amount: number): MicroUsd => MicroUsd.parse(amount);

/** Fractions round up: what is kept is never below the bill. */
export const usd = (dollars: number): MicroUsd => MicroUsd.parse(Math.ceil(Math.round(dollars * 1e9) / 1e3));

export const plus = (...amounts: MicroUsd[]): MicroUsd => MicroUsd.parse(amounts.reduce((sum, each) => sum + each, 0));

/** What is left of `whole` after `part`; never below nothing. */
export const minus = (whole: MicroUsd, part: MicroUsd): MicroUsd => MicroUsd.parse(Math.max(0, whole - part));

/** The lower of two bounds; undefined bounds nothing. */
export const lowerBound = (one: MicroUsd | undefined, other: MicroUsd | undefined): MicroUsd | undefined =>
  one === undefined || other === undefined ? (one ?? other) : microUsd(Math.min(one, other));

/** Whether two figures of one cost are more than a hundredth of the greater apart. */
export const disagree = (one: MicroUsd, other: MicroUsd): boolean => Math.abs(one - other) > Math.max(one, other) / 100;

/** `$1.12`; below ten cents four places, so that a cheap run does not read as free. */
export function dollars(amount: MicroUsd): string {
  if (amount === 0) return "$0.00";
  if (amount < 100) return "under $0.0001";
  return `$${(amount / 1e6).toFixed(amount < 100_000 ? 4 : 2)}`;
}
