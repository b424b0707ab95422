/** `budget forecast`: what the month comes to if it goes on as it went. */
import { z } from "zod";
import { monthOf } from "../core/budget.ts";
import { forecast, lateDays, type Projection } from "../core/forecast.ts";
import { plainLine, type Markdown } from "../core/markdown.ts";
import { dollars, noMoney, plus, type MicroUsd } from "../core/money.ts";
import { lastDays, spendingHistory } from "../records/spending-history.ts";
import { moneyOf } from "../records/spending.ts";
import { inUsd, monthHere, repositoryOption } from "./budget-purses.ts";
import { command } from "./command.ts";

export const budgetForecast = command({
  name: "budget forecast",
  usage: "budget forecast",
  summary:
    "Say what this month comes to if spending goes on as before, and when its ceiling would be reached: in this repository, and at a terminal by the whole service.",
  needs: "read",
  surfaces: ["comment", "terminal", "mcp"],
  options: [repositoryOption],
  positional: { kind: "none" },
  examples: ["budget forecast"],
  json: true,
  input: z.strictObject({ whose: z.literal("repository").optional() }),
  async run({ whose }, ask) {
    const { store, now } = ask;
    const { scope, of, most } = await monthHere(ask, whose);
    const [[month], late] = await Promise.all([
      moneyOf(store, now, [scope]),
      spendingHistory(store, now, { scope, dates: lastDays(now, lateDays + 1) }),
    ]);
    const { spent, used } = month ?? { spent: noMoney, used: noMoney };
    const lately = plus(...late.map(({ total }) => total));
    const projections = forecast({ now, spent, used, lately, most });
    const facts = { of: plainLine(of), month: monthOf(now), spent, used, most };
    return {
      words: shown(projections, facts),
      data: {
        of,
        month: facts.month,
        spent_usd: inUsd(spent),
        used_usd: inUsd(used),
        ceiling_usd: most === undefined ? null : inUsd(most),
        projections: projections.map(({ as, perDay, atEnd, reachedOn }) => ({
          as,
          per_day_usd: inUsd(perDay),
          month_end_usd: inUsd(atEnd),
          ceiling_reached_on: reachedOn ?? null,
        })),
      },
    };
  },
});

interface Facts {
  readonly of: Markdown;
  readonly month: string;
  readonly spent: MicroUsd;
  readonly used: MicroUsd;
  readonly most: MicroUsd | undefined;
}

const as: Record<Projection["as"], string> = {
  month: "in this month so far",
  week: `in the last ${lateDays} days and today`,
};

function shown(projections: readonly Projection[], facts: Facts): Markdown {
  const { of, month, spent, used, most } = facts;
  const ceiling =
    most === undefined
      ? "Nothing bounds the month."
      : `Of its ceiling of ${dollars(most)}, ${dollars(used)} are spent or reserved.`;
  const rows = projections.map((each) => {
    const cells = [as[each.as], dollars(each.perDay), dollars(each.atEnd), reached(each, facts)];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `Spent by ${of} in ${month} so far: **${dollars(spent)}**. ${ceiling}`,
    ["| if it goes on as | a day | by the end of the month | ceiling |", "| --- | ---: | ---: | --- |", ...rows].join(
      "\n",
    ),
    "This is a projection: no more is spent than the ceiling allows, whatever it says. Days are those of UTC.",
  ].join("\n\n");
}

function reached({ reachedOn }: Projection, { used, most }: Facts): string {
  if (most === undefined) return "none";
  if (used >= most) return "reached";
  return reachedOn === undefined ? "not reached" : `reached on ${reachedOn}`;
}
