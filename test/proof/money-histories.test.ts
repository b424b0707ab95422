/** 150 histories about money that nobody thought of, from the seed `PARHELIA_SEED`. */
import { expect, test } from "vitest";
import { dollars, microUsd } from "../../src/core/money.ts";
import { playMoneyHistories, type Figures } from "../world/money-histories.ts";

/** One takes up to four seconds on a busy machine. */
const longMs = 1_200_000;
const seed = Number(process.env["PARHELIA_SEED"] ?? 1);

const figuresIn = ({ bill, ledger, ...counts }: Figures): string =>
  `${Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ")}; billed ${dollars(microUsd(bill))}, in the ledger ${dollars(microUsd(ledger))}`;

test(
  "in calm: every ceiling holds, what is in flight is held, and the ledger is what the stand-ins bill",
  { timeout: longMs },
  async () => {
    const figures = await playMoneyHistories("calm", 30, seed);
    expect(figures.bill, "something was at stake").toBeGreaterThan(0);
    expect(figures.ledger).toBe(figures.bill);
    console.log(`money-histories: calm, seed ${seed}: ${figuresIn(figures)}`);
  },
);

test(
  "with deaths, losses and clocks that are set: the same, and the ledger is never below the bill",
  { timeout: longMs },
  async () => {
    const figures = await playMoneyHistories("mishaps", 120, seed);
    expect(figures.ledger).toBeGreaterThan(figures.bill);
    console.log(`money-histories: with mishaps, seed ${seed}: ${figuresIn(figures)}`);
  },
);
