/** Which cards are free: a request for one that is not waits, and the client waits with it (modal.md §4). */
import type { Gpu } from "./gpus.ts";

export type Free = { readonly afterMs: number } | "never";

export interface Capacity {
  set(gpu: string, free: Free): void;
  /** H100 may be answered with a better card (modal.md §4: "may upgrade; `H100!` pins"). */
  upgrade(from: string, to: string): void;
  of(gpu: Gpu): Free;
  granted(gpu: Gpu): Gpu;
}

export function openCapacity(): Capacity {
  const free = new Map<string, Free>();
  const upgrades = new Map<string, string>();
  return {
    set: (gpu, when) => void free.set(gpu, when),
    upgrade: (from, to) => void upgrades.set(from, to),
    of: ({ type }) => free.get(type) ?? { afterMs: 0 },
    granted: (gpu) => ({ ...gpu, type: upgrades.get(gpu.type) ?? gpu.type }),
  };
}
