/** What is said of a run before it starts: to people, and the same to programs. */
import { confirmWords } from "../core/approval-words.ts";
import { budgetWords } from "../core/budget.ts";
import { enoughRuns, likelyCost, type Estimate, type Spread } from "../core/estimate.ts";
import { count, elapsed } from "../core/headline.ts";
import { inlineCode, plainLine, type Markdown } from "../core/markdown.ts";
import { dollars, plus, type MicroUsd } from "../core/money.ts";
import { repositoryName, type Spec, type Task } from "../core/task.ts";
import type { ScopeUse } from "../records/ledger.ts";
import { inUsd, mayBeSeen, periodOf } from "./budget-purses.ts";

/** A ceiling that bounds, and what is charged and held of it. */
export type Purse = ScopeUse;

/** Why a run would not start at this moment. */
export type Obstacle =
  /** The asker may not start it; `because` is for them to read. */
  | { readonly is: "right"; readonly because: Markdown }
  /** There is no such sandbox; in sentences too. */
  | { readonly is: "backend"; readonly because: Markdown }
  /** Its own budget does not cover its sandbox, which costs `compute` for its whole time. */
  | { readonly is: "budget"; readonly compute: MicroUsd }
  /** `because` is an operator's words, or "". */
  | { readonly is: "halt"; readonly because: string }
  | { readonly is: "money"; readonly purse: Purse; readonly needs: { compute: MicroUsd; model: MicroUsd } }
  | { readonly is: "slots"; readonly taken: number };

export interface Prospect {
  /** As it would be. */
  readonly task: Task;
  readonly estimate: Estimate;
  readonly microUsdPerHour: MicroUsd;
  /** Its ceilings at this moment, that which leaves least first. */
  readonly purses: readonly Purse[];
  /** Undefined where it would start. */
  readonly obstacle: Obstacle | undefined;
  /** Set where a maintainer has to agree first: the cost from which that is so. */
  readonly confirm: MicroUsd | undefined;
}

export const estimateWords = (prospect: Prospect): Markdown =>
  [
    likely(prospect),
    [bound(prospect), ...ceiling(prospect), ...approval(prospect), start(prospect)]
      .map((line) => `- ${line}`)
      .join("\n"),
    "Nothing was started.",
  ].join("\n\n");

function likely({ task, estimate: { runs, ms, cost } }: Prospect): Markdown {
  const kind = kindOf(task.spec);
  const where = plainLine(repositoryName(task.origin.place));
  if (runs === 0) return `No finished run of ${kind} is known in ${where} yet, so only what bounds it can be told.`;
  if (ms === undefined || cost === undefined || runs < enoughRuns)
    return `Only ${count(runs, "finished run")} of ${kind} ${runs === 1 ? "is" : "are"} known in ${where}, too few to tell more than what bounds it.`;
  return `Of the newest ${runs} runs of ${kind} in ${where}, half took at most **${elapsed(ms.p50)}** and cost at most **${dollars(cost.p50)}**; nine of ten took at most **${elapsed(ms.p90)}** and cost at most **${dollars(cost.p90)}**.`;
}

/** What runs have in common that are counted as similar. */
function kindOf({ work, resources: { gpu } }: Spec): Markdown {
  const what =
    work.kind === "command"
      ? inlineCode(work.argv[0] ?? "")
      : `an agent ${work.model === null ? "that chooses its model" : `with ${inlineCode(work.model)}`}`;
  return gpu === undefined ? what : `${what} on GPU ${inlineCode(gpu)}`;
}

function bound({ task: { spec }, estimate, microUsdPerHour }: Prospect): Markdown {
  const { gpu } = spec.resources;
  const sandbox = `the sandbox${gpu === undefined ? "" : ` with GPU ${inlineCode(gpu)}`}`;
  const isFree = microUsdPerHour === 0;
  const price = `at ${dollars(microUsdPerHour)} an hour`;
  const time = elapsed(spec.timeoutMs);
  if (estimate.most < spec.budget) {
    return isFree
      ? `It costs **nothing**: a plain command calls no model, and for ${sandbox} this service counts no price.`
      : `It costs at most **${dollars(estimate.most)}**: ${sandbox} for its time of ${time} and what comes before and after it, ${price}. A plain command calls no model. A sandbox that is lost is made again, within its budget of ${dollars(spec.budget)}.`;
  }
  const most = `It costs at most **${dollars(estimate.most)}**, its budget`;
  if (isFree) return `${most}; for ${sandbox} this service counts no price.`;
  return `${most}; of that, ${sandbox} takes up to **${dollars(estimate.sandbox)}** in its time of ${time}, ${price}.`;
}

/** Of what others spend of the whole, no more is told than a task that it stops would tell. */
function ceiling({ purses, obstacle, task: { origin } }: Prospect): Markdown[] {
  // The line about its start names it.
  if (obstacle?.is === "money") return [];
  const [tightest] = purses;
  if (tightest !== undefined && tightest.ceiling.kind !== "task")
    return [`The ceiling that applies leaves less than its budget: ${usedWords(tightest)}.`];
  const next = purses.find(({ ceiling }) => ceiling.kind !== "task" && mayBeSeen([ceiling], origin).length > 0);
  return next === undefined ? [] : [`Its budget is the ceiling that applies; the next is ${usedWords(next)}.`];
}

const usedWords = (purse: Purse): Markdown => `${plainLine(budgetWords(purse))} used or reserved`;

const approval = ({ confirm, estimate }: Prospect): Markdown[] =>
  confirm === undefined
    ? []
    : [`It would wait for approval: ${confirmWords({ likely: likelyCost(estimate), confirm })}.`];

function start({ obstacle, confirm }: Prospect): Markdown {
  if (obstacle === undefined)
    return `It would start ${confirm === undefined ? "now" : "then"}: a slot and the money for it are free.`;
  if (obstacle.is === "right") return `You may not start it. ${obstacle.because}`;
  if (obstacle.is === "backend") return `It would be refused. ${obstacle.because}`;
  return `It would not start now: ${because(obstacle)}.`;
}

/** A part of a sentence; for a missing right or sandbox, sentences. */
function because(obstacle: Obstacle): Markdown {
  switch (obstacle.is) {
    case "right":
    case "backend":
      return obstacle.because;
    case "budget":
      return `its budget does not cover the sandbox for all of its time and what comes before and after it, which is ${dollars(obstacle.compute)}`;
    case "halt":
      return `new starts are halted by the operator${obstacle.because === "" ? "" : ` (${plainLine(obstacle.because)})`}`;
    case "money": {
      const { purse, needs } = obstacle;
      const what = needs.model === 0 ? "for its sandbox" : "for its sandbox and the first call of its model";
      return `it needs ${dollars(plus(needs.compute, needs.model))} ${what}, with ${usedWords(purse)}`;
    }
    case "slots":
      return `all ${obstacle.taken} slots for sandboxes are taken, so it would wait for one`;
  }
}

export function estimateData({ estimate, microUsdPerHour, purses, obstacle, confirm }: Prospect) {
  const [tightest] = purses;
  return {
    runs: estimate.runs,
    duration_seconds: spread(estimate.ms, (ms) => Math.round(ms / 1000)),
    cost_usd: spread(estimate.cost, inUsd),
    most_usd: inUsd(estimate.most),
    sandbox_usd: inUsd(estimate.sandbox),
    per_hour_usd: inUsd(microUsdPerHour),
    ceiling:
      tightest === undefined
        ? null
        : {
            of: tightest.ceiling.of,
            period: periodOf(tightest.ceiling),
            ceiling_usd: inUsd(tightest.ceiling.most),
            used_usd: inUsd(tightest.used),
          },
    admitted: obstacle === undefined,
    because: obstacle === undefined ? null : because(obstacle),
    needs_approval: confirm !== undefined,
  };
}

const spread = <T>(of: Spread<T> | undefined, shown: (value: T) => number) =>
  of === undefined ? null : { p50: shown(of.p50), p90: shown(of.p90) };
