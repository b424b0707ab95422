/**
 * GPUs as a sandbox's driver names them, held against what was asked for. Modal may give a better card for the price of
 * the one that was asked for; anything else that comes in its place is told. The names are a sandbox's: untrusted text.
 */
import { z } from "zod";
import { readGpu } from "./compute-prices.ts";
import { MicroUsd } from "./money.ts";

export const Card = z.object({
  name: z.string(),
  /** Absent where the driver does not tell. */
  memoryMiB: z.int().positive().optional(),
});
export type Card = z.output<typeof Card>;

export const RanOn = z.object({
  /** `H100:2` */
  asked: z.string(),
  cards: z.array(Card),
  /** Of the cards alone, by what was asked for: that is what is billed, also where a better one came. */
  microUsdPerHour: MicroUsd,
});
export type RanOn = z.output<typeof RanOn>;

/** A driver's line, `NVIDIA A100 80GB PCIe, 81920 MiB`. */
export function readCard(line: string): Card {
  const comma = line.lastIndexOf(",");
  const name = (comma === -1 ? line : line.slice(0, comma)).replaceAll(/\s+/g, " ").trim().slice(0, 80);
  const [, digits] = /^\s*(\d{1,9}) MiB\s*$/.exec(line.slice(comma + 1)) ?? [];
  return { name, ...(digits === undefined || Number(digits) === 0 ? {} : { memoryMiB: Number(digits) }) };
}

const a100Of80GbMiB = 60_000;

/** The type as the price list names it; undefined for one that it does not. */
export function typeOf({ name, memoryMiB = 0 }: Card): string | undefined {
  const [, found] =
    /\b(T4|L4|A10|A10G|L40S|A100|RTX PRO 6000|H100|H200|B200)\b/.exec(name.toUpperCase().replaceAll("-", " ")) ?? [];
  if (found === "A100") return memoryMiB >= a100Of80GbMiB ? "A100-80GB" : "A100-40GB";
  return found === "A10G" ? "A10" : found?.replaceAll(" ", "-");
}

/** What may come for what is asked, where that is more than itself (https://modal.com/docs/guide/gpu). */
const upgrades: Readonly<Record<string, readonly string[]>> = {
  A100: ["A100-40GB", "A100-80GB"],
  H100: ["H100", "H200"],
};

/** Whether no card is less or another than what was asked for. */
export function isAsAsked({ asked, cards }: RanOn): boolean {
  const wanted = readGpu(asked);
  if (wanted === undefined) return true;
  const good = upgrades[wanted.type.name] ?? [wanted.type.name];
  return cards.length >= wanted.count && cards.every((card) => good.includes(typeOf(card) ?? ""));
}

/** `2 × NVIDIA H100 80GB HBM3 (80 GB)`, `NVIDIA L4 (22 GB)`, `no GPU`; plain text. */
export function cardsText(cards: readonly Card[]): string {
  const counts = new Map<string, number>();
  for (const { name, memoryMiB } of cards) {
    const text = memoryMiB === undefined ? name : `${name} (${Math.round(memoryMiB / 1024)} GB)`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  const parts = [...counts].map(([text, count]) => (count === 1 ? text : `${count} × ${text}`));
  return parts.length === 0 ? "no GPU" : parts.join(", ");
}
