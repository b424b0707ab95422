/** `budget history`: what was spent on each day or in each month (guide §4.1h). */
import { z } from "zod";
import { inlineCode, plainLine, type Markdown } from "../core/markdown.ts";
import { dollars, noMoney, plus, type MicroUsd } from "../core/money.ts";
import { lastDays, lastMonths, spendingHistory, type Spent } from "../records/spending-history.ts";
import { inUsd, monthHere, repositoryOption } from "./budget-purses.ts";
import { command } from "./command.ts";

const count = (what: string, most: number) =>
  z
    .string()
    .describe(`Number of ${what}`)
    .transform((text, context): number => {
      const value = Number(text.trim());
      if (/^\d+$/.test(text.trim()) && value >= 1 && value <= most) return value;
      const message = `${inlineCode(text)} is not a number of ${what} between 1 and ${most}.`;
      context.issues.push({ code: "custom", input: text, message });
      return z.NEVER;
    });

const usualDays = 30;

const input = z
  .strictObject({
    days: count("days", 366).optional(),
    months: count("months", 60).optional(),
    whose: z.literal("repository").optional(),
  })
  .refine(({ days, months }) => days === undefined || months === undefined, {
    path: ["months"],
    message: "Days or months, not both.",
  });

export const budgetHistory = command({
  name: "budget history",
  usage: "budget history [--days <count>|--months <count>]",
  summary:
    "Show what was spent on each of the last 30 days, or in each month: in this repository, and at a terminal by the whole service.",
  needs: "read",
  surfaces: ["comment", "terminal", "mcp"],
  options: [
    { name: "days", key: "days", value: "<count>", summary: "the last days, up to 366; 30 unless you say" },
    { name: "months", key: "months", value: "<count>", summary: "the last calendar months, up to 60" },
    repositoryOption,
  ],
  positional: { kind: "none" },
  examples: ["budget history", "budget history --days 7", "budget history --months 6"],
  json: true,
  input,
  async run({ days = usualDays, months, whose }, ask) {
    const { scope, of } = await monthHere(ask, whose);
    const dates = months === undefined ? lastDays(ask.now, days) : lastMonths(ask.now, months);
    const spent = await spendingHistory(ask.store, ask.now, { scope, dates });
    return {
      words: shown(spent, plainLine(of)),
      data: {
        of,
        period: months === undefined ? "day" : "month",
        total_usd: inUsd(sumOf(spent)),
        spending: spent.map(({ date, model, compute, total }) => ({
          date,
          model_usd: inUsd(model),
          compute_usd: inUsd(compute),
          total_usd: inUsd(total),
        })),
      },
    };
  },
});

const sumOf = (spent: readonly Spent[]): MicroUsd => plus(...spent.map(({ total }) => total));

/** Days before the first money was spent say nothing. */
function shown(spent: readonly Spent[], of: Markdown): Markdown {
  const first = spent.findIndex(({ total }) => total > 0);
  const from = spent[0]?.date ?? "";
  if (first === -1) return `Nothing was spent by ${of} since ${from} (UTC).`;
  const most = spent.reduce((max, { total }) => (total > max ? total : max), noMoney);
  const rows = spent
    .slice(first)
    .map(
      ({ date, model, compute, total }) =>
        `| ${date} | ${dollars(model)} | ${dollars(compute)} | ${dollars(total)} | ${bar(total, most)} |`,
    );
  return [
    `Spent by ${of} since ${from}: **${dollars(sumOf(spent))}**. Days and months are those of UTC.`,
    ["| date | model | sandbox | in all | |", "| --- | ---: | ---: | ---: | --- |", ...rows].join("\n"),
  ].join("\n\n");
}

const barWidth = 20;

/** What is not nothing is seen. */
const bar = (amount: MicroUsd, most: MicroUsd): string =>
  "█".repeat(amount === 0 ? 0 : Math.max(1, Math.round((amount / most) * barWidth)));
