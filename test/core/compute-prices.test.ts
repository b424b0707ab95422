import { array, assert, constantFrom, double, integer, nat, property, record } from "fast-check";
import { expect, test } from "vitest";
import { computePerHour, gpuNames, gpuType, readGpu, storagePrice } from "../../src/core/compute-prices.ts";
import { computePrice } from "../../src/core/pricing.ts";
import { microUsd, usd } from "../../src/core/money.ts";

const hourMs = 3_600_000;
const monthMs = 30 * 24 * hourMs;

test("an hour costs what was granted: cores, GiB of memory, GPUs", () => {
  // Written out from the published prices a second: .00003942 a core, .00000672 a GiB, .001097 an H100.
  expect(computePerHour({ cpu: 1, memoryMiB: 0 })).toBe(141_912);
  expect(computePerHour({ cpu: 0.125, memoryMiB: 1024 })).toBe(17_739 + 24_192);
  expect(computePerHour({ cpu: 2, memoryMiB: 4096 })).toBe(283_824 + 96_768);
  expect(computePerHour({ cpu: 2, memoryMiB: 4096, gpu: "H100" })).toBe(380_592 + 3_949_200);
  expect(computePerHour({ cpu: 2, memoryMiB: 4096, gpu: "H100:8" })).toBe(380_592 + 8 * 3_949_200);
});

test("fractions are rounded up once, and less than an eighth of a core is billed as one", () => {
  expect(computePerHour({ cpu: 0.125, memoryMiB: 1 })).toBe(17_739 + 24);
  expect(computePerHour({ cpu: 1.000_001, memoryMiB: 1 })).toBe(Math.ceil(141_912.141_912 + 23.625));
  expect(computePerHour({ cpu: 0.01, memoryMiB: 0 })).toBe(computePerHour({ cpu: 0.125, memoryMiB: 0 }));
});

test.each([
  // US dollars an hour in guide §3.1 and elsewhere in it, where its prices are rounded to cents.
  ["T4", 0.6],
  ["A10G", 1.1],
  ["A100-80GB", 2.5],
  ["H100", 4],
])("%s costs about what the guide says", (gpu, dollarsPerHour) => {
  const alone = computePerHour({ cpu: 1, memoryMiB: 0, gpu }) - computePerHour({ cpu: 1, memoryMiB: 0 });
  expect(Math.abs(alone / 1e6 - dollarsPerHour)).toBeLessThanOrEqual(0.051);
});

test("A10G is another name for A10, in any case; there is no other type than those on the list", () => {
  expect(gpuType("a10g")).toBe(gpuType("A10"));
  expect(readGpu("a10g:4")).toEqual({ type: gpuType("A10"), count: 4 });
  expect(readGpu("A10:5")).toBeUndefined();
  expect(gpuNames.map((name) => readGpu(name)?.type.name)).toEqual(gpuNames);
  for (const text of ["", "H1000", "H100:0", "H100:9", "H100:1.5", "H100:", ":2", "H100:2:2"]) {
    expect(readGpu(text)).toBeUndefined();
  }
});

test("a region costs more, a narrow one most; an unknown one is taken for narrow", () => {
  const plain = { cpu: 1, memoryMiB: 1024 };
  const anywhere = computePerHour(plain);
  expect(computePerHour({ ...plain, regions: [] })).toBe(anywhere);
  expect(computePerHour({ ...plain, regions: ["us", "eu"] })).toBe(Math.ceil(anywhere * 1.5));
  expect(computePerHour({ ...plain, regions: ["us-west"] })).toBe(Math.ceil(anywhere * 1.75));
  expect(computePerHour({ ...plain, regions: ["us", "moon"] })).toBe(Math.ceil(anywhere * 1.75));
});

test("a GPU that this release does not know costs as much as eight of the dearest", () => {
  const dearest = Math.max(...gpuNames.map((gpu) => computePerHour({ cpu: 1, memoryMiB: 0, gpu: `${gpu}:4` })));
  expect(computePerHour({ cpu: 1, memoryMiB: 0, gpu: "Z9000" })).toBeGreaterThan(dearest);
});

const gpus = constantFrom(undefined, ...gpuNames, "A10:4", "H200:8");
const granted = record({ cpu: double({ min: 0.125, max: 64, noNaN: true }), memoryMiB: nat(1_000_000), gpu: gpus });

test("more of anything never costs less, and the parts never cost less than the whole", () => {
  assert(
    property(granted, integer({ min: 1, max: 4096 }), nat(86_400_000), (one, more, ms) => {
      const whole = computePerHour(one);
      expect(computePerHour({ ...one, memoryMiB: one.memoryMiB + more })).toBeGreaterThanOrEqual(whole);
      expect(computePerHour({ ...one, cpu: one.cpu + more })).toBeGreaterThan(whole);
      const split = computePrice(whole, ms) + computePrice(whole, 86_400_000 - ms);
      expect(split).toBeGreaterThanOrEqual(computePrice(whole, 86_400_000));
    }),
  );
});

test("storage costs $0.20 for a GB and a month, its share for less, rounded up", () => {
  expect(storagePrice(1_000_000_000, monthMs)).toBe(usd(0.2));
  expect(storagePrice(2_500_000_000, monthMs / 2)).toBe(usd(0.25));
  expect(storagePrice(1, 1)).toBe(1);
  expect(storagePrice(0, monthMs)).toBe(0);
  expect(storagePrice(5, 0)).toBe(0);
  expect(storagePrice(-5, monthMs)).toBe(0);
  // A TiB for ten years: beyond the integers that a double counts.
  expect(storagePrice(2 ** 40, 120 * monthMs)).toBe(26_388_279_067);
});

test("storage kept in pieces of time is never below the same at once", () => {
  assert(
    property(nat(2_000_000_000), array(nat(100_000_000), { minLength: 1, maxLength: 20 }), (bytes, times) => {
      const apart = times.reduce((sum, ms) => sum + storagePrice(bytes, ms), 0);
      const atOnce = storagePrice(
        bytes,
        times.reduce((sum, ms) => sum + ms, 0),
      );
      expect(apart).toBeGreaterThanOrEqual(atOnce);
      expect(apart).toBeLessThanOrEqual(microUsd(atOnce + times.length));
    }),
  );
});
