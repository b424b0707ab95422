import { ceilingsOf, sharedCeilings, type Ceiling } from "../core/budget.ts";
import { plainLine, type Markdown } from "../core/markdown.ts";
import { dollars, noMoney, type MicroUsd } from "../core/money.ts";
import { usedOf } from "../records/spending.ts";
import { command, type Ask } from "./command.ts";
import { named, theTask, whichTask } from "./which-task.ts";

export const budget = command({
  name: "budget",
  usage: "budget [task]",
  summary: "Show what is spent and reserved of the ceilings that hold here, or of a task's.",
  needs: "read",
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "task" },
  examples: ["budget", "budget t_7k2m41qz"],
  input: whichTask,
  async run(which, ask) {
    const { asker, budgets, now } = ask;
    if (which.task === undefined) return listed(sharedCeilings(asker, budgets, now), ask);
    const task = await theTask(which, ask);
    return `${named(task)}\n\n${await listed(ceilingsOf(task, budgets, now), ask)}`;
  },
});

/** What others spend of the installation and the service is the operator's to see. */
const operators: readonly Ceiling["kind"][] = ["installation", "service"];

async function listed(ceilings: readonly Ceiling[], { asker, store, now }: Ask): Promise<Markdown> {
  const shown = ceilings.filter(({ kind }) => asker.place.kind === "terminal" || !operators.includes(kind));
  const used = await usedOf(store, now, shown);
  const text = shown.map((ceiling, place) => line(ceiling, used[place] ?? noMoney));
  return `Spent or reserved:\n\n${text.join("\n")}`;
}

function line({ of, period, most }: Ceiling, used: MicroUsd): Markdown {
  const bound = most === undefined ? ", no ceiling" : ` of ${dollars(most)}`;
  return `- ${[plainLine(of), period].filter((part) => part !== "").join(" ")}: ${dollars(used)}${bound}`;
}
