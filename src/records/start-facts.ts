/** What a start would meet at this moment: the halt switch, the slots that are taken, and what is used of each ceiling. */
import type { Ceiling } from "../core/budget.ts";
import type { Instant } from "../core/instant.ts";
import { MicroUsd } from "../core/money.ts";
import type { TaskId } from "../core/ids.ts";
import type { Answers, Store } from "../core/ports/store.ts";
import { BudgetChanges } from "./budgets.ts";
import { counters, kept, keys } from "./document.ts";
import { haltIn, haltQuery, type Halt } from "./halt.ts";
import { taskScope } from "./spending.ts";

export interface StartFacts {
  /** Set where nothing new starts. */
  readonly halted: Halt | undefined;
  /** Sandboxes that live, and those that are being made. */
  readonly running: number;
  /** Charged and held, in the order of the ceilings. */
  readonly used: readonly MicroUsd[];
}

/** What a claim has to know of the operator and of its own ceiling: read with the turn, so that it costs no look. */
export interface Terms {
  readonly halted: Halt | undefined;
  /** What an operator has set over the settings. */
  readonly changes: BudgetChanges | undefined;
  /** Charged and held of the task's own ceiling. */
  readonly used: MicroUsd;
}

export const termQueries = (task: TaskId) =>
  [haltQuery, { get: keys.budgets }, { counter: counters.used(taskScope(task)) }] as const;

export const termsIn = ([halt, changes, used]: Answers<ReturnType<typeof termQueries>>): Terms => ({
  halted: haltIn(halt),
  changes: kept(BudgetChanges, changes)?.value,
  used: MicroUsd.parse(used),
});

/** As of one instant. */
export async function startFacts(store: Store, now: Instant, ceilings: readonly Ceiling[]): Promise<StartFacts> {
  const purses = ceilings.map(({ scope }) => ({ counter: counters.used(scope) }) as const);
  const [halt, running, ...used] = await store.look(now, [haltQuery, { counter: counters.running }, ...purses]);
  return { halted: haltIn(halt), running, used: used.map((each) => MicroUsd.parse(each)) };
}
