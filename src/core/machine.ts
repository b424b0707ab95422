/**
 * Waiting for a machine. A task may name several GPUs, of which the first that is free is taken: each is asked for in its
 * turn, for its share of the time. Never a CPU in their place, and never a dearer one than money is held for.
 */
import { gpuNames } from "./compute-prices.ts";
import { elapsed, timeOfDay } from "./headline.ts";
import { after, type Instant } from "./instant.ts";
import type { Resources } from "./ports/sandboxes.ts";
import type { Machine } from "./awaited-machine.ts";

/** In a spec, between GPUs of which any will do: `H100,A100-80GB`. */
const gpuSeparator = ",";

/** Each machine that would do, in the order in which they are asked for. */
export const machineChoices = (resources: Resources): readonly Resources[] =>
  resources.gpu === undefined ? [resources] : resources.gpu.split(gpuSeparator).map((gpu) => ({ ...resources, gpu }));

/** With the GPU that is asked for now, or the first one. */
export function askedOf(resources: Resources, machine: Machine | undefined): Resources {
  const gpu = machine?.gpu ?? resources.gpu?.split(gpuSeparator)[0];
  return gpu === undefined ? resources : { ...resources, gpu };
}

export interface Patience {
  readonly now: Instant;
  /** For all of them together. */
  readonly maxWaitMs: number;
  /** For each of several, where that is less. */
  readonly eachMs?: number | undefined;
}

/** Its image is built before a machine is asked for. */
export const imageFirst = ({ now, maxWaitMs }: Patience): Machine => {
  const until = after(now, maxWaitMs);
  return { building: true, until, next: [], giveUpAt: until };
};

export function firstMachine({ gpu }: Resources, patience: Patience): Machine {
  const [first, ...next] = gpu?.split(gpuSeparator) ?? [];
  const { now, eachMs } = patience;
  const eachSum = eachMs === undefined || next.length === 0 ? Infinity : eachMs * (next.length + 1);
  const maxWaitMs = Math.min(patience.maxWaitMs, eachSum);
  const until = after(now, Math.floor(maxWaitMs / (next.length + 1)));
  const giveUpAt = after(now, maxWaitMs);
  return { ...(first === undefined ? {} : { gpu: first }), until, next, giveUpAt };
}

/** Undefined where there is no other. */
export function nextMachine({ next, giveUpAt }: Machine, now: Instant): Machine | undefined {
  const [gpu, ...rest] = next;
  if (gpu === undefined) return undefined;
  const until = after(now, Math.max(0, Math.floor((giveUpAt - now) / (rest.length + 1))));
  return { gpu, until, next: rest, giveUpAt };
}

const machineWords = (gpu: string | undefined): string => (gpu === undefined ? "a machine" : `GPU ${gpu}`);

/** What becomes of the waiting, as one sentence. */
export function waitWords({ gpu, building, until, next, giveUpAt }: Machine): string {
  if (building === true)
    return `Its image is being built, which happens once for each base; it is given up at ${timeOfDay(giveUpAt)}.`;
  const [other] = next;
  const then =
    other === undefined
      ? `it is given up at ${timeOfDay(giveUpAt)}`
      : `GPU ${other} is asked for from ${timeOfDay(until)} on`;
  return `No ${machineWords(gpu).replace(/^a /, "")} is free at the moment; if that stays so, ${then}.`;
}

/** For the person who asked. */
export const noImageWords = (waitedMs: number): string =>
  `its image was not built in ${elapsed(waitedMs)}. Try again later: layers that were built are kept. A smaller base (\`sandbox.image\`) is built sooner.`;

/** For the person who asked. */
export function noMachineWords(gpu: string | undefined, waitedMs: number): string {
  const waited = elapsed(waitedMs);
  if (gpu === undefined) return `no machine was free in ${waited}. Try again later, or ask for less CPU and memory.`;
  const names = gpu.split(gpuSeparator);
  const none = names.length === 1 ? `no GPU ${gpu}` : `none of the GPUs ${names.join(", ")}`;
  return `${none} was free in ${waited}. Try again later, or ask for another type or fewer of them. There are ${gpuNames.join(", ")}; \`--gpu H100,A100\` takes the first that is free.`;
}
