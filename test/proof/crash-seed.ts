/** Numbers that look drawn and follow from one seed, so that a run that fails can be had again. */
import { createHash } from "node:crypto";

export const seed = process.env["PARHELIA_SEED"] ?? "1";

/** `count` numbers from 0 up to 2³². */
export const numbersFrom = (from: string, count: number): number[] =>
  Array.from({ length: count }, (_, index) => createHash("sha256").update(`${from} ${index}`).digest().readUInt32BE());

/** `count` of these, each at most once, in their order. */
export function sampleOf<Item>(items: readonly Item[], count: number, from: string): Item[] {
  const numbers = numbersFrom(from, items.length);
  const chosen = items
    .map((_, index) => index)
    .toSorted((a, b) => (numbers[a] ?? 0) - (numbers[b] ?? 0))
    .slice(0, count);
  return items.filter((_, index) => chosen.includes(index));
}
