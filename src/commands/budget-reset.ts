/** `budget reset`: room in a purse whose ceiling is reached, without another ceiling. */
import { z } from "zod";
import { dayOf, sharedCeilings, type Ceiling } from "../core/budget.ts";
import { inlineCode, type Markdown } from "../core/markdown.ts";
import { dollars } from "../core/money.ts";
import { Refusal } from "../core/refusal.ts";
import { repositoryName, type Origin } from "../core/task.ts";
import { resetPurses, type Adjusted } from "../records/adjust.ts";
import { readBudgets } from "../records/budgets.ts";
import { listTasks } from "../records/list-tasks.ts";
import { lookAgain } from "../records/look-again.ts";
import { inUsd, periodOf, purseName } from "./budget-purses.ts";
import { command, type Ask } from "./command.ts";

const input = z
  .strictObject({
    user: z.string().max(100).describe("Login of a person").optional(),
    repository: z.string().max(200).describe("Repository: `owner/name`").optional(),
    installation: z.string().max(20).describe("Number of an installation").optional(),
    period: z.enum(["day", "month"]).optional(),
  })
  .superRefine(({ user, repository, installation }, context) => {
    const given = Object.entries({ user, repository, installation }).filter(([, value]) => value !== undefined);
    const second = given[1]?.[0];
    if (second !== undefined)
      context.addIssue({ code: "custom", path: [second], message: "One purse at a time: name one." });
  });
type Input = z.output<typeof input>;

export const budgetReset = command({
  name: "budget reset",
  usage: "budget reset [--user <login>|--repository <owner/name>|--installation <number>] [--day|--month]",
  summary:
    "Give the service, a person, a repository or an installation its whole ceiling again in the running day or month. What is reserved stays so, and every figure of what was spent stays as it is.",
  needs: "admin",
  surfaces: ["terminal"],
  options: [
    { name: "user", key: "user", value: "<login>", summary: "the purse of this person" },
    { name: "repository", key: "repository", value: "<owner/name>", summary: "the purse of this repository" },
    { name: "installation", key: "installation", value: "<number>", summary: "the purse of this installation" },
    { name: "day", key: "period", sets: "day", summary: "of today alone" },
    {
      name: "month",
      key: "period",
      sets: "month",
      summary: "of this month alone; without both, each that has a ceiling",
    },
  ],
  positional: { kind: "none" },
  examples: ["budget reset", "budget reset --user dana --day"],
  json: true,
  input,
  async run(which, ask) {
    const { store, now, op, asker } = ask;
    const purses = await pursesOf(which, ask);
    const because = `${asker.actor.login} gave ${purses.map(({ of, period }) => `${of} ${period}`).join(" and ")} its whole ceiling again`;
    const adjusted = await resetPurses(store, purses, { because, now, op });
    const waiting = await lookAgain(store, { now, op });
    const parts = [
      adjusted.map(line).join("\n"),
      adjusted.some(({ was, is }) => is < was)
        ? "What was charged before counts against these ceilings no more. The figures of what was spent stay, and the ledger has a line for it."
        : "Nothing was charged against these ceilings since they began or were reset: they stay as they are.",
      ...(waiting === 0 ? [] : [`Tasks that wait for money look again now: ${waiting}.`]),
    ];
    return { words: parts.join("\n\n"), data: { reset: adjusted.map(row) } };
  },
});

async function pursesOf(which: Input, ask: Ask): Promise<Ceiling[]> {
  const budgets = await readBudgets(ask.store, ask.now, ask.budgets);
  const { kind, is, said } = meant(which);
  const origin = await originWhere(is, ask);
  if (origin === undefined)
    throw new Refusal(`None of the newest ${tasksLookedAt} tasks is of the ${kind} ${inlineCode(said)}.`);
  const all = sharedCeilings(origin, budgets, ask.now).filter((each) => each.kind === kind);
  const purses = all.filter((each) =>
    which.period === undefined ? each.most !== undefined : periodOf(each) === which.period,
  );
  if (purses.length > 0) return purses;
  throw new Refusal(
    `No ceiling bounds the ${kind}${said === "" ? "" : ` ${inlineCode(said)}`}: there is nothing to reset.`,
  );
}

interface Meant {
  readonly kind: Exclude<Ceiling["kind"], "task">;
  /** As it was typed; "" for the service. */
  readonly said: string;
  is(origin: Origin): boolean;
}

function meant({ user, repository, installation }: Input): Meant {
  const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
  if (user !== undefined) return { kind: "user", said: user, is: ({ actor }) => same(actor.login, user) };
  if (repository !== undefined)
    return { kind: "repository", said: repository, is: ({ place }) => same(repositoryName(place), repository) };
  if (installation !== undefined)
    return {
      kind: "installation",
      said: installation,
      is: ({ place }) => place.kind === "issue" && String(place.installation) === installation,
    };
  return { kind: "service", said: "", is: () => true };
}

/** Purses are kept by GitHub's ids, which nobody types: the newest task of such a name tells the id. */
const tasksLookedAt = 1000;

async function originWhere(is: Meant["is"], { store, now, asker }: Ask): Promise<Origin | undefined> {
  if (is(asker)) return asker;
  const tasks = await listTasks(store, now, { which: "all", limit: tasksLookedAt });
  return tasks.find(({ origin }) => is(origin))?.origin;
}

const line = ({ ceiling, was, is }: Adjusted): Markdown => {
  const most = ceiling.most === undefined ? "no ceiling" : `of ${dollars(ceiling.most)}`;
  return `- ${purseName(ceiling)}: **${dollars(is)}** ${most} used or reserved, before ${dollars(was)}`;
};

const row = ({ ceiling, was, is }: Adjusted) => ({
  scope: ceiling.kind,
  of: ceiling.of,
  period: periodOf(ceiling),
  used_usd: inUsd(is),
  was_usd: inUsd(was),
  renews_on: ceiling.renewsAt === undefined ? null : dayOf(ceiling.renewsAt),
});
