/** `budget set`: the operator's ceilings, for all replicas and across restarts. */
import { z } from "zod";
import { dayOf, sharedCeilings, type Allowance, type Budgets } from "../core/budget.ts";
import type { Markdown } from "../core/markdown.ts";
import { dollars, noMoney } from "../core/money.ts";
import { Budget } from "../core/quantities.ts";
import { setBudgets, type BudgetChange, type BudgetsSet } from "../records/budgets.ts";
import { lookAgain } from "../records/look-again.ts";
import { usedOf } from "../records/spending.ts";
import { bound, inUsd, periodOf } from "./budget-purses.ts";
import { command, type Ask } from "./command.ts";

/** An amount, or `none`, or `default` for what the settings say. */
const Most = z
  .string()
  .describe("An amount in US dollars, `none` for no ceiling, or `default` for what the settings say")
  .transform((text, context): BudgetChange["most"] => {
    const word = text.trim().toLowerCase();
    if (word === "none") return null;
    if (word === "default") return "settings";
    const amount = Budget.safeParse(text);
    if (amount.success) return amount.data;
    const message = `${amount.error.issues[0]?.message ?? ""} Or write \`none\`, or \`default\` for what the settings say.`;
    context.issues.push({ code: "custom", input: text, message });
    return z.NEVER;
  });

const input = z
  .strictObject({
    whose: z.enum(["user", "repository", "installation", "service"]).default("service").describe("Whose ceiling"),
    day: Most.optional(),
    month: Most.optional(),
    amount: Most.optional(),
  })
  .superRefine(({ whose, day, month, amount }, context) => {
    const say = (message: string, key: "amount" | "month"): void =>
      context.addIssue({ code: "custom", message, path: [key] });
    if (amount === undefined && day === undefined && month === undefined)
      say("Say how much: `budget set 50`, or `budget set --user --day 20`.", "month");
    if (amount !== undefined && month !== undefined) say("The month's ceiling is given twice.", "amount");
    if (amount !== undefined && whose !== "service")
      say("Say whether this is for a day or a month: `--day 20` or `--month 50`.", "amount");
  });

const whoseOption = (whose: keyof Budgets, summary: string) =>
  ({ name: whose, key: "whose", sets: whose, summary }) as const;

export const budgetSet = command({
  name: "budget set",
  usage: "budget set [--user|--repository|--installation] [--day <dollars>] [--month <dollars>] [dollars]",
  summary:
    "Set what may be spent: by the whole service, or by each person, repository or installation. Without an option it is the service's month. It holds at once, on every replica and across restarts, over the settings.",
  needs: "admin",
  surfaces: ["terminal"],
  options: [
    whoseOption("user", "the ceiling of each person"),
    whoseOption("repository", "the ceiling of each repository"),
    whoseOption("installation", "the ceiling of each installation"),
    whoseOption("service", "the ceiling of everything, as without an option"),
    { name: "day", key: "day", value: "<dollars>", summary: "in a day of UTC: `20`, `none`, or `default`" },
    { name: "month", key: "month", value: "<dollars>", summary: "in a calendar month of UTC, likewise" },
  ],
  positional: { kind: "word", key: "amount" },
  examples: ["budget set 50", "budget set --user --day 20", "budget set --repository --day none"],
  json: true,
  input,
  async run({ whose: kind, day, month, amount }, ask) {
    const { store, budgets: settings, now, op, asker } = ask;
    const given = { day, month: month === undefined ? amount : month };
    const changes = (["day", "month"] as const).flatMap((period): BudgetChange[] => {
      const most = given[period];
      return most === undefined ? [] : [{ kind, period, most }];
    });
    const message = (set: BudgetsSet): string =>
      `${asker.actor.login} set ${changes.map((change) => plainly(change, set)).join(", ")}`;
    const set = await setBudgets(store, changes, { settings, message, now, op });
    const waiting = await lookAgain(store, { now, op });
    const parts = [
      changes.map((change) => line(change, set)).join("\n"),
      holds,
      ...(await spentAlready(changes, set.is, ask)),
      ...(waiting === 0 ? [] : [`Tasks that wait for money look again now: ${waiting}.`]),
    ];
    return { words: parts.join("\n\n"), data: { set: changes.map((change) => row(change, set)) } };
  },
});

const holds =
  "This holds from now on, on every replica and across restarts, over what the settings say. With `default` for the amount, the settings hold again.";

const names: Record<keyof Budgets, string> = {
  user: "each person",
  repository: "each repository",
  installation: "each installation",
  service: "this service",
};
const a: Record<keyof Allowance, string> = { day: "a day", month: "a month" };

const whoseWords = ({ kind, period }: BudgetChange): string => `${names[kind]} ${a[period]}`;

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const line = (change: BudgetChange, { was, is }: BudgetsSet): Markdown => {
  const { kind, period } = change;
  return `- ${capital(whoseWords(change))}: **${bound(is[kind][period])}**, before ${bound(was[kind][period])}`;
};

const plainly = (change: BudgetChange, { was, is }: BudgetsSet): string => {
  const { kind, period } = change;
  return `${whoseWords(change)} to ${bound(is[kind][period])} from ${bound(was[kind][period])}`;
};

const row = ({ kind, period }: BudgetChange, { was, is }: BudgetsSet) => ({
  scope: kind,
  period,
  ceiling_usd: usd(is[kind][period]),
  was_usd: usd(was[kind][period]),
});

const usd = (most: Allowance["day"]): number | null => (most === undefined ? null : inUsd(most));

/** A ceiling below what is used ends nothing that runs. Of people and repositories each stands elsewhere. */
async function spentAlready(changes: readonly BudgetChange[], is: Budgets, ask: Ask): Promise<Markdown[]> {
  const changed = sharedCeilings(ask.asker, is, ask.now).filter(
    (ceiling) =>
      ceiling.kind === "service" &&
      changes.some(({ kind, period }) => kind === "service" && period === periodOf(ceiling)),
  );
  const used = await usedOf(ask.store, ask.now, changed);
  return changed.flatMap(({ most, period, renewsAt }, place) => {
    const is = used[place] ?? noMoney;
    if (most === undefined || is < most || renewsAt === undefined) return [];
    return [
      `${dollars(is)} are spent or reserved ${period}: what runs goes on with what is reserved for it, and nothing new starts before ${dayOf(renewsAt)} (UTC) unless there is room again.`,
    ];
  });
}
