/** Which cards are free: a request for one that is not waits, and the client waits with it (modal.md §4). */
import type { Gpu } from "./gpus.ts";

export type Free = { readonly afterMs: number } | "never";

export interface Capacity {
  set(gpu: string, free: Free): void;
  /** H100 may be answered with a better card (modal.md §4: "may upgrade; `H100!` pins"). */
  upgrade(from: string, to: string): void;
  /** What the driver names in sandboxes that asked for it, whatever was granted: `Tesla T4, 15360 MiB`; none for no card. */
  show(gpu: string, lines: readonly string[]): void;
  shown(gpu: Gpu): readonly string[] | undefined;
  of(gpu: Gpu): Free;
  granted(gpu: Gpu): Gpu;
}

export function openCapacity(): Capacity {
  const free = new Map<string, Free>();
  const upgrades = new Map<string, string>();
  const shown = new Map<string, readonly string[]>();
  return {
    set: (gpu, when) => void free.set(gpu, when),
    upgrade: (from, to) => void upgrades.set(from, to),
    show: (gpu, lines) => void shown.set(gpu, lines),
    shown: ({ type }) => shown.get(type),
    of: ({ type }) => free.get(type) ?? { afterMs: 0 },
    granted: (gpu) => ({ ...gpu, type: upgrades.get(gpu.type) ?? gpu.type }),
  };
}
