/** `budget`: what is used of each ceiling. Its family changes ceilings, and shows what was and what will be spent. */
import { ceilingsOf, sharedCeilings, type Ceiling } from "../core/budget.ts";
import type { Markdown } from "../core/markdown.ts";
import { dollars, minus, type MicroUsd } from "../core/money.ts";
import { readBudgets } from "../records/budgets.ts";
import { moneyOf, type ScopeMoney } from "../records/spending.ts";
import { inUsd, isOperator, mayBeSeen, periodOf, purseName } from "./budget-purses.ts";
import { command, type Answer, type Ask } from "./command.ts";
import { named, theTask, whichTask } from "./which-task.ts";

export const budget = command({
  name: "budget",
  alias: "budget show",
  usage: "budget [show] [task]",
  summary: "Show what is spent and reserved of the ceilings that hold here, or of a task's.",
  needs: "read",
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "task" },
  examples: ["budget", "budget t_7k2m41qz"],
  json: true,
  input: whichTask,
  async run(which, ask) {
    const budgets = await readBudgets(ask.store, ask.now, ask.budgets);
    if (which.task === undefined) return shown(sharedCeilings(ask.asker, budgets, ask.now), ask);
    const task = await theTask(which, ask);
    const { words, data } = await shown(ceilingsOf(task, budgets, ask.now), ask);
    return { words: `${named(task)}\n\n${words}`, data };
  },
});

interface Purse extends ScopeMoney {
  readonly ceiling: Ceiling;
}

async function shown(ceilings: readonly Ceiling[], { asker, store, now }: Ask): Promise<Required<Answer>> {
  const seen = mayBeSeen(ceilings, asker);
  const sums = await moneyOf(
    store,
    now,
    seen.map(({ scope }) => scope),
  );
  const purses = sums.flatMap((sum, place): Purse[] => {
    const ceiling = seen[place];
    return ceiling === undefined ? [] : [{ ...sum, ceiling }];
  });
  const [first] = seen;
  const main = first?.kind === "task" || !isOperator(asker) ? tightest(purses) : monthOfService(purses);
  return {
    words: `Spent or reserved:\n\n${purses.map(line).join("\n")}`,
    data: { ...summaryOf(main), ceilings: purses.map(row) },
  };
}

/** A task's own, or else the one that leaves least. */
function tightest(purses: readonly Purse[]): Purse | undefined {
  const left = ({ ceiling: { most }, used }: Purse): number => (most === undefined ? Infinity : most - used);
  return purses.find(({ ceiling }) => ceiling.kind === "task") ?? purses.toSorted((a, b) => left(a) - left(b))[0];
}

const monthOfService = (purses: readonly Purse[]): Purse | undefined =>
  purses.find(({ ceiling }) => ceiling.kind === "service" && periodOf(ceiling) === "month");

function line({ ceiling, used }: Purse): Markdown {
  const { most } = ceiling;
  return `- ${purseName(ceiling)}: ${dollars(used)}${most === undefined ? ", no ceiling" : ` of ${dollars(most)}`}`;
}

const warningPercent = 80;

/** The shape of guide §4.1a; a ceiling of null bounds nothing. */
function summaryOf(purse: Purse | undefined) {
  const used = purse?.used ?? 0;
  const most = purse?.ceiling.most;
  return {
    ceiling_usd: usdOrNull(most),
    used_usd: used / 1e6,
    usage_percent: most === undefined ? 0 : Math.round((used * 1000) / most) / 10,
    remaining_usd: most === undefined || purse === undefined ? null : inUsd(minus(most, purse.used)),
    warning_threshold_reached: most !== undefined && used * 100 >= most * warningPercent,
    is_exceeded: most !== undefined && used >= most,
  };
}

const usdOrNull = (amount: MicroUsd | undefined): number | null => (amount === undefined ? null : inUsd(amount));

const row = (purse: Purse) => ({
  scope: purse.ceiling.kind,
  of: purse.ceiling.of,
  period: periodOf(purse.ceiling),
  ...summaryOf(purse),
  model_usd: inUsd(purse.model),
  compute_usd: inUsd(purse.compute),
  renews_at: purse.ceiling.renewsAt === undefined ? null : new Date(purse.ceiling.renewsAt).toISOString(),
});
