/** GPUs as drivers name them: which type of the price list each is, and whether it is what was asked for. */
import { expect, test } from "vitest";
import { cardsText, isAsAsked, readCard, typeOf } from "../../src/core/cards.ts";
import { gpuNames } from "../../src/core/compute-prices.ts";
import { noMoney } from "../../src/core/money.ts";

const named: Readonly<Record<string, string>> = {
  "Tesla T4, 15360 MiB": "T4",
  "NVIDIA L4, 23034 MiB": "L4",
  "NVIDIA A10, 23028 MiB": "A10",
  "NVIDIA A10G, 23028 MiB": "A10",
  "NVIDIA L40S, 46068 MiB": "L40S",
  "NVIDIA A100-SXM4-40GB, 40960 MiB": "A100-40GB",
  "NVIDIA A100-SXM4-80GB, 81920 MiB": "A100-80GB",
  "NVIDIA A100 80GB PCIe, 81920 MiB": "A100-80GB",
  "NVIDIA RTX PRO 6000 Blackwell Server Edition, 97887 MiB": "RTX-PRO-6000",
  "NVIDIA H100 80GB HBM3, 81559 MiB": "H100",
  "NVIDIA H200, 143771 MiB": "H200",
  "NVIDIA B200, 183359 MiB": "B200",
};

test("every card that can be asked for is known by the name that its driver gives it", () => {
  for (const [line, type] of Object.entries(named)) expect([line, typeOf(readCard(line))]).toEqual([line, type]);
  const asked = (gpu: string) => ({ asked: gpu, microUsdPerHour: noMoney });
  for (const gpu of gpuNames) {
    const good = Object.keys(named).filter((line) => isAsAsked({ ...asked(gpu), cards: [readCard(line)] }));
    expect([gpu, good.length]).not.toEqual([gpu, 0]);
    expect(isAsAsked({ ...asked(gpu), cards: [] })).toBe(false);
  }
});

test.each([
  ["H100", ["NVIDIA H200, 143771 MiB"], true],
  ["H100", ["NVIDIA A100 80GB PCIe, 81920 MiB"], false],
  ["A100", ["NVIDIA A100 80GB PCIe, 81920 MiB"], true],
  ["A100-80GB", ["NVIDIA A100-SXM4-40GB, 40960 MiB"], false],
  ["A100-40GB", ["NVIDIA A100 80GB PCIe, 81920 MiB"], false],
  ["A10G", ["NVIDIA A10, 23028 MiB"], true],
  ["T4:2", ["Tesla T4, 15360 MiB"], false],
  ["T4:2", ["Tesla T4, 15360 MiB", "Tesla T4, 15360 MiB"], true],
  ["T4:2", ["Tesla T4, 15360 MiB", "NVIDIA L4, 23034 MiB"], false],
  ["T4", ["GeForce 256, 32 MiB"], false],
] as const)("%s asked for, %j found: as asked is %j", (asked, lines, isGood) => {
  expect(isAsAsked({ asked, cards: lines.map(readCard), microUsdPerHour: noMoney })).toBe(isGood);
});

test("what a driver says is read whatever it is", () => {
  expect(readCard("NVIDIA GB10, [N/A]")).toEqual({ name: "NVIDIA GB10" });
  expect(readCard("")).toEqual({ name: "" });
  expect(readCard(`${"x".repeat(500)}, 0 MiB`)).toEqual({ name: "x".repeat(80) });
  expect(cardsText([])).toBe("no GPU");
  expect(cardsText(["Tesla T4, 15360 MiB", "NVIDIA H200, 143771 MiB", "Tesla T4, 15360 MiB"].map(readCard))).toBe(
    "2 × Tesla T4 (15 GB), NVIDIA H200 (140 GB)",
  );
});
