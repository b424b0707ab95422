/**
 * What machines and storage cost: one dated table, which GPUs can be asked for, and the sums made from it. Every amount
 * is rounded up and every unknown is taken at its dearest, so that the ledger is never below the bill.
 *
 * Prices of a sandbox on Modal as published in October 2026: https://modal.com/pricing (sandboxes have rates of their own
 * for CPU and memory, about three times those of functions), https://modal.com/docs/guide/gpu and, for the region,
 * https://modal.com/docs/guide/region-selection. Of memory, two figures were published in that year; the dearer stands here.
 * Storage: guide §3.1; reports of Modal's own price are lower (0.09 a GiB-month, the first TiB free).
 */
import { microUsd, type MicroUsd } from "./money.ts";
import { ceilDiv } from "./pricing.ts";

export const computePricesSource = "https://modal.com/pricing";
export const computePricesAsOf = "2026-10";

/** US dollars a second, as they are published. */
const perSecondUsd = {
  /** Of a physical core. */
  cpuCore: 0.000_039_42,
  memoryGiB: 0.000_006_72,
};

/** US dollars for a GB (10^9 bytes) and a month. */
export const storageUsdPerGbMonth = 0.2;

export interface GpuType {
  readonly name: string;
  /** Of one of them, in US dollars. */
  readonly perSecondUsd: number;
  /** How many one sandbox can have. */
  readonly most: number;
}

export const gpuTypes: readonly GpuType[] = [
  { name: "T4", perSecondUsd: 0.000_164, most: 8 },
  { name: "L4", perSecondUsd: 0.000_222, most: 8 },
  { name: "A10", perSecondUsd: 0.000_306, most: 4 },
  { name: "L40S", perSecondUsd: 0.000_542, most: 8 },
  // Modal may give the larger one for the price of the smaller, unless 40 GB are asked for.
  { name: "A100", perSecondUsd: 0.000_583, most: 8 },
  { name: "A100-40GB", perSecondUsd: 0.000_583, most: 8 },
  { name: "A100-80GB", perSecondUsd: 0.000_694, most: 8 },
  { name: "RTX-PRO-6000", perSecondUsd: 0.000_842, most: 8 },
  { name: "H100", perSecondUsd: 0.001_097, most: 8 },
  { name: "H200", perSecondUsd: 0.001_261, most: 8 },
  { name: "B200", perSecondUsd: 0.001_736, most: 8 },
];

/** Names of the GPUs that can be asked for, the cheapest first. */
export const gpuNames: readonly string[] = gpuTypes.map(({ name }) => name);

/** Other names for the same thing; guide §3.1 says A10G. */
const aliases: Readonly<Record<string, string>> = { A10G: "A10" };

/** A type of GPU by its name or another name for it, in any case; undefined where there is none. */
export function gpuType(name: string): GpuType | undefined {
  const upper = name.toUpperCase();
  return gpuTypes.find((each) => each.name === (aliases[upper] ?? upper));
}

/** `H100` is one, `h100:2` are two; undefined for a type that there is not and a count that a sandbox cannot have. */
export function readGpu(text: string): { readonly type: GpuType; readonly count: number } | undefined {
  const [, name = "", digits = "1"] = /^([a-z0-9-]+)(?::([1-9]\d?))?$/i.exec(text) ?? [];
  const type = gpuType(name);
  const count = Number(digits);
  return type === undefined || count > type.most ? undefined : { type, count };
}

/** What a sandbox was given; more than that it cannot use where its limits are the same. */
export interface Granted {
  readonly cpu: number;
  readonly memoryMiB: number;
  /** A type, with its count where more than one: `H100:2`. */
  readonly gpu?: string | undefined;
  /** Where it may run, as Modal names regions; none for anywhere. */
  readonly regions?: readonly string[];
}

const perHour = (usdPerSecond: number): number => Math.round(usdPerSecond * 3600 * 1e6);

/** Modal bills at least an eighth of a core. */
const leastCpu = 0.125;
/** No sandbox has more. */
const mostGpus = 8;

function gpuPerHour(gpu: string | undefined, { perSecond }: ComputePrices): number {
  if (gpu === undefined) return 0;
  const priceOf = (name: string): number => perHour(perSecond[name] ?? 0);
  const read = readGpu(gpu);
  // One that an earlier release knew and this one does not.
  if (read === undefined) return mostGpus * Math.max(...gpuNames.map(priceOf));
  return read.count * priceOf(read.type.name);
}

/** In hundredths: whoever says where pays more, and the more the narrower the place is. */
const regionFactors = { anywhere: 100, broad: 150, narrow: 175 } as const;

/** What is reckoned by: the table above, or what an operator's contract says instead. */
export interface ComputePrices {
  /** US dollars by `cpu`, `memory` and the names of GPUs. */
  readonly perSecond: Readonly<Record<string, number>>;
  /** In hundredths. */
  readonly regions: { readonly broad: number; readonly narrow: number };
  /** Names of those that the operator has set. */
  readonly own: readonly string[];
}

export const publishedPrices: ComputePrices = {
  perSecond: {
    cpu: perSecondUsd.cpuCore,
    memory: perSecondUsd.memoryGiB,
    ...Object.fromEntries(gpuTypes.map((type) => [type.name, type.perSecondUsd])),
  },
  regions: { broad: regionFactors.broad, narrow: regionFactors.narrow },
  own: [],
};

/** Names that a price can be set for. */
export const pricedNames: readonly string[] = Object.keys(publishedPrices.perSecond);

/** The published ones with those of the operator's that are given; `regions` as factors, 1.5 for half as much again. */
export function pricesWith(
  perSecond: Readonly<Record<string, number>>,
  { broad, narrow }: { broad: number | undefined; narrow: number | undefined },
): ComputePrices {
  const hundredths = (factor: number): number => Math.ceil(Math.round(factor * 1e4) / 100);
  const { regions } = publishedPrices;
  return {
    perSecond: { ...publishedPrices.perSecond, ...perSecond },
    regions: {
      broad: broad === undefined ? regions.broad : hundredths(broad),
      narrow: narrow === undefined ? regions.narrow : hundredths(narrow),
    },
    own: [
      ...Object.keys(perSecond),
      ...(broad === undefined ? [] : ["broad regions"]),
      ...(narrow === undefined ? [] : ["narrow regions"]),
    ],
  };
}

/** Parts of the world; every other name is taken for a narrow one. */
const broadRegions: readonly string[] = ["us", "eu", "ap"];

function regionFactor(regions: readonly string[], factors: ComputePrices["regions"]): number {
  if (regions.length === 0) return regionFactors.anywhere;
  return regions.every((each) => broadRegions.includes(each)) ? factors.broad : factors.narrow;
}

/** What a sandbox with these resources costs an hour on Modal, rounded up to a whole micro-dollar. */
export function computePerHour(granted: Granted, prices: ComputePrices = publishedPrices): MicroUsd {
  const { cpu, memoryMiB, gpu, regions = [] } = granted;
  const { cpu: ofCore = 0, memory: ofGiB = 0 } = prices.perSecond;
  const cpuMillionths = BigInt(Math.ceil(Math.max(cpu, leastCpu) * 1e6));
  const memory = BigInt(Math.ceil(memoryMiB));
  // Everything over 1024 (MiB of a GiB), 10^6 (millionths of a core) and 100 (the factor), divided once.
  const total =
    cpuMillionths * BigInt(perHour(ofCore)) * 1024n +
    memory * BigInt(perHour(ofGiB)) * 1_000_000n +
    BigInt(gpuPerHour(gpu, prices)) * 1024n * 1_000_000n;
  return microUsd(Number(ceilDiv(total * BigInt(regionFactor(regions, prices.regions)), 1024n * 1_000_000n * 100n)));
}

/** What a meter counted of a sandbox, in seconds of one core, one GiB and one GPU. */
export interface Metered {
  readonly coreSeconds: number;
  readonly gibSeconds: number;
  readonly gpuSeconds: number;
  /** As it was asked for. */
  readonly gpu: string | undefined;
}

/** The money that it comes to, rounded up. */
export function meteredPrice(used: Metered, regions: readonly string[], prices: ComputePrices): MicroUsd {
  const { cpu = 0, memory = 0 } = prices.perSecond;
  const type = used.gpu === undefined ? undefined : readGpu(used.gpu)?.type.name;
  const gpu = type === undefined ? 0 : (prices.perSecond[type] ?? 0);
  const usd = used.coreSeconds * cpu + used.gibSeconds * memory + used.gpuSeconds * gpu;
  return microUsd(Math.ceil((usd * 1e6 * regionFactor(regions, prices.regions)) / 100));
}

const bytesOfGb = 1_000_000_000n;
const monthMs = 30n * 24n * 3_600_000n;

/** What `bytes` that were kept for `ms` milliseconds cost, rounded up; a month has 30 days. */
export function storagePrice(bytes: number, ms: number): MicroUsd {
  const kept = BigInt(Math.max(0, Math.ceil(bytes))) * BigInt(Math.max(0, Math.ceil(ms)));
  return microUsd(Number(ceilDiv(kept * BigInt(Math.round(storageUsdPerGbMonth * 1e6)), bytesOfGb * monthMs)));
}
