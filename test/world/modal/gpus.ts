/** The cards of Modal (modal.md §4 "Types [D]", "N ≤8 (A10 ≤4)"). */
import { invalid } from "./refuse.ts";

/** What a sandbox that was granted it reads inside. */
const cards: Readonly<Record<string, string>> = {
  T4: "Tesla T4",
  L4: "NVIDIA L4",
  A10: "NVIDIA A10",
  L40S: "NVIDIA L40S",
  A100: "NVIDIA A100-SXM4-40GB",
  "A100-40GB": "NVIDIA A100-SXM4-40GB",
  "A100-80GB": "NVIDIA A100 80GB PCIe",
  "RTX-PRO-6000": "NVIDIA RTX PRO 6000 Blackwell Server Edition",
  H100: "NVIDIA H100 80GB HBM3",
  "H100!": "NVIDIA H100 80GB HBM3",
  H200: "NVIDIA H200",
  B200: "NVIDIA B200",
  "B200+": "NVIDIA B200",
};

export interface Gpu {
  readonly type: string;
  readonly count: number;
}

const cardName = (type: string): string => cards[type] ?? type;

/** A10G is another name of A10. */
const meant = (type: string): string => (type === "A10G" ? "A10" : type);

/** Undefined for none. Throws INVALID_ARGUMENT. */
export function readGpu(
  asked: { gpuType?: string | undefined; count?: number | undefined } | undefined,
): Gpu | undefined {
  const type = meant(asked?.gpuType ?? "");
  if (type === "") return undefined;
  const count = asked?.count ?? 0;
  if (!Object.hasOwn(cards, type)) {
    throw invalid(`Invalid GPU type: ${type}. Supported types are: ${Object.keys(cards).join(", ")}`);
  }
  const most = type === "A10" ? 4 : 8;
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw invalid(`Invalid GPU count: ${count}. Up to ${most} ${type} GPUs can be attached.`);
  }
  return { type, count };
}

/** An `nvidia-smi` good for `--query-gpu=name --format=csv,noheader` and for being looked at. */
export const nvidiaSmi = ({ type, count }: Gpu): string =>
  ["#!/bin/sh", ...Array.from({ length: count }, () => `echo '${cardName(type)}'`), ""].join("\n");
