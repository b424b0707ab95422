/** `estimate`: what a run would take and cost, and whether it would start, before anybody asks for it. It writes nothing. */
import { ceilingsOf, type Ceiling } from "../core/budget.ts";
import { claimNeed } from "../core/claim-need.ts";
import { estimateOf, likelyCost } from "../core/estimate.ts";
import { noMoney } from "../core/money.ts";
import { Refusal } from "../core/refusal.ts";
import { notPermitted, permits, type Role } from "../core/role.ts";
import { applied, confirmAbove, loweredBy } from "../core/settings/applied.ts";
import type { Settings } from "../core/settings/settings.ts";
import { repositoryName, type Origin, type Spec, type Task } from "../core/task.ts";
import { readBudgets } from "../records/budgets.ts";
import { similarRuns } from "../records/similar-tasks.ts";
import { startFacts } from "../records/start-facts.ts";
import { command, type Ask } from "./command.ts";
import { estimateData, estimateWords, type Obstacle, type Prospect, type Purse } from "./estimate-words.ts";
import { runInput, runOptions, runPositional, specOf, toTask } from "./run.ts";

export const estimate = command({
  name: "estimate",
  alias: "estimate run",
  usage: "estimate run [options] <instruction…> | estimate run [options] -- <command…>",
  summary: "Say what a run would take and cost, what bounds it and whether it would start now, without starting it.",
  needs: "read",
  surfaces: ["comment", "terminal", "mcp"],
  options: runOptions,
  positional: runPositional,
  examples: ["estimate run fix the null check when the list is empty", "estimate run --gpu H100 -- make train"],
  json: true,
  input: runInput,
  async run(asked, ask) {
    const prospect = await look(specOf(asked, ask.defaults), ask);
    return { words: estimateWords(prospect), data: estimateData(prospect) };
  },
});

async function look(wanted: Spec, ask: Ask): Promise<Prospect> {
  const { asker, store, now, limits } = ask;
  const settings = await ask.settings();
  const spec = specAs("admin", wanted, settings, ask);
  if (spec instanceof Refusal) throw spec;
  const origin: Origin = { place: asker.place, actor: asker.actor };
  const task: Task = { ...toTask({ id: ask.ids.task(), origin, spec, now }), lowered: loweredBy(settings) };
  const microUsdPerHour = limits.pricePerHour(spec.resources);
  const [past, budgets] = await Promise.all([
    similarRuns(store, now, { place: asker.place, spec }),
    readBudgets(store, now, ask.budgets),
  ]);
  const estimate = estimateOf(spec, past, microUsdPerHour);
  const need = claimNeed(task, { used: noMoney, budgets, microUsdPerHour, now });
  const facts = await startFacts(store, now, need.ceilings);
  const purses = pursesOf(need.ceilings, facts.used);
  const scopesNow = new Set(ceilingsOf(task, budgets, now).map(({ scope }) => scope));
  const refused = notAllowed(wanted, settings, ask) ?? notGiven(spec, ask);
  const confirm = refused === undefined ? confirmAbove(settings, limits.confirmAbove) : undefined;
  return {
    task,
    estimate,
    microUsdPerHour,
    purses: purses.filter(({ ceiling }) => scopesNow.has(ceiling.scope)),
    obstacle: refused ?? obstacle({ facts, need, purses, limits }),
    confirm: confirm !== undefined && likelyCost(estimate) > confirm ? confirm : undefined,
  };
}

/** With what the repository's settings fill in and lower, for somebody with that role. */
function specAs(role: Role, spec: Spec, settings: Settings, { asker, limits }: Ask): Spec | Refusal {
  const by = { id: asker.actor.id, role, kind: "person" } as const;
  return applied({ spec, named: new Set(spec.named ?? []), by, where: repositoryName(asker.place) }, settings, limits);
}

/** Whoever may read may ask what it would cost; starting it takes more. */
function notAllowed(spec: Spec, settings: Settings, ask: Ask): Obstacle | undefined {
  const { held, asker } = ask;
  if (!permits(held, "write"))
    return {
      is: "right",
      because: notPermitted({ what: "run", needs: "write", held, where: repositoryName(asker.place) }),
    };
  const mine = specAs(held, spec, settings, ask);
  return mine instanceof Refusal ? { is: "right", because: mine.message } : undefined;
}

function notGiven({ resources }: Spec, { limits }: Ask): Obstacle | undefined {
  try {
    limits.accept(resources);
    return undefined;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { is: "backend", because: error.message };
  }
}

/** The bounded ones, that which leaves least first; a task's own before others that leave as much. */
const pursesOf = (ceilings: readonly Ceiling[], used: readonly Purse["used"][]): Purse[] =>
  ceilings
    .flatMap((ceiling, at): Purse[] => {
      const { most } = ceiling;
      return most === undefined ? [] : [{ ceiling: { ...ceiling, most }, used: used[at] ?? noMoney }];
    })
    .toSorted((one, other) => left(one) - left(other));

const left = ({ ceiling, used }: Purse): number => ceiling.most - used;

/** What a claim would meet, in the order in which it would. */
function obstacle(start: {
  facts: Awaited<ReturnType<typeof startFacts>>;
  need: ReturnType<typeof claimNeed>;
  purses: readonly Purse[];
  limits: Ask["limits"];
}): Obstacle | undefined {
  const { facts, need, purses, limits } = start;
  const { compute, model } = need.held;
  const short = purses.filter((purse) => left(purse) < compute + model);
  const own = short.find(({ ceiling }) => ceiling.kind === "task");
  if (own !== undefined) return { is: "budget", compute };
  if (facts.halted !== undefined) return { is: "halt", because: facts.halted.because };
  const [tightest] = short;
  if (tightest !== undefined) return { is: "money", purse: tightest, needs: need.held };
  return facts.running < limits.maxSandboxes ? undefined : { is: "slots", taken: facts.running };
}
