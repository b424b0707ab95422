/** What Modal takes for a sandbox; and what it does not give is refused before money is held for it, in words for the person who asked. */
import { computePerHour, gpuNames, gpuType, readGpu, type ComputePrices } from "../../core/compute-prices.ts";
import { machineChoices } from "../../core/machine.ts";
import { microUsd, type MicroUsd } from "../../core/money.ts";
import type { Resources } from "../../core/ports/sandboxes.ts";
import { Refusal } from "../../core/refusal.ts";

/** Of one sandbox; Modal bills no less than the least, and publishes no most: more than this it has in no single machine. */
const bounds = { cpu: { least: 0.125, most: 64 }, memoryMiB: { least: 128, most: 344_064 } } as const;

/** For an hour, of the dearest machine that would do. */
export const modalPerHour = (resources: Resources, { regions, prices }: Billing): MicroUsd =>
  microUsd(Math.max(...machineChoices(resources).map((each) => computePerHour({ ...each, regions }, prices))));

/** Where sandboxes may run, and by which prices. */
export interface Billing {
  readonly regions: readonly string[];
  /** Those that are published unless told. */
  readonly prices?: ComputePrices | undefined;
}

/** Throws a `Refusal`. */
export function refuseMisfits(resources: Resources): void {
  const { cpu, memoryMiB } = resources;
  if (!(cpu >= bounds.cpu.least && cpu <= bounds.cpu.most)) {
    throw new Refusal(
      `A sandbox on Modal has ${bounds.cpu.least} to ${bounds.cpu.most} CPU cores, and not ${cpu}. Ask with --cpu.`,
    );
  }
  if (!(memoryMiB >= bounds.memoryMiB.least && memoryMiB <= bounds.memoryMiB.most)) {
    throw new Refusal(
      `A sandbox on Modal has ${bounds.memoryMiB.least} to ${bounds.memoryMiB.most} MiB of memory, and not ${memoryMiB} MiB. Ask with --memory.`,
    );
  }
  for (const { gpu } of machineChoices(resources)) if (gpu !== undefined) refuseGpu(gpu);
}

function refuseGpu(gpu: string): void {
  if (readGpu(gpu) !== undefined) return;
  const type = gpuType(gpu.split(":", 1).join(""));
  const cure =
    type === undefined
      ? `You can ask for ${gpuNames.join(", ")}.`
      : `A sandbox has 1 to ${type.most} of ${type.name}: write ${type.name}:${type.most}, or less.`;
  throw new Refusal(`Modal has no GPU ${gpu}. ${cure}`);
}
