/** What the commands about budgets have in common: which purse is meant, and how its money reads. */
import { sharedCeilings, type Ceiling } from "../core/budget.ts";
import { plainLine, type Markdown } from "../core/markdown.ts";
import { dollars, type MicroUsd } from "../core/money.ts";
import { readBudgets } from "../records/budgets.ts";
import type { Ask, Asker } from "./command.ts";

/** What others spend of the installation and the service is the operator's to see. */
const operators: readonly Ceiling["kind"][] = ["installation", "service"];

export const isOperator = ({ place }: Asker): boolean => place.kind === "terminal";

export const mayBeSeen = (ceilings: readonly Ceiling[], asker: Asker): Ceiling[] =>
  ceilings.filter(({ kind }) => isOperator(asker) || !operators.includes(kind));

/** The month of the service at a terminal, and of the repository everywhere else or where that is asked for. */
export async function monthHere(ask: Ask, whose: "repository" | undefined): Promise<Ceiling> {
  const kind = whose ?? (isOperator(ask.asker) ? "service" : "repository");
  const budgets = await readBudgets(ask.store, ask.now, ask.budgets);
  const found = sharedCeilings(ask.asker, budgets, ask.now).find(
    (each) => each.kind === kind && periodOf(each) === "month",
  );
  if (found === undefined) throw new Error(`There is no purse of the ${kind}.`);
  return found;
}

export const repositoryOption = {
  name: "repository",
  key: "whose",
  sets: "repository",
  summary: "at a terminal: this repository's, not the whole service's",
} as const;

const periods: Readonly<Record<string, "day" | "month">> = { today: "day", "this month": "month" };

/** As programs read it. */
export const periodOf = ({ period }: Ceiling): "task" | "day" | "month" => periods[period] ?? "task";

/** `acme/widgets this month`. */
export const purseName = ({ of, period }: Ceiling): Markdown =>
  [plainLine(of), period].filter((part) => part !== "").join(" ");

/** Whole micro-dollars as a decimal number of dollars. */
export const inUsd = (amount: MicroUsd): number => amount / 1e6;

export const bound = (most: MicroUsd | undefined): string => (most === undefined ? "no ceiling" : dollars(most));
