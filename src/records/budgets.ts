/** What may be spent: the operator's settings, and over them what an operator has set since, for all replicas and across restarts. */
import { z } from "zod";
import type { Allowance, Budgets } from "../core/budget.ts";
import type { Instant } from "../core/instant.ts";
import { MicroUsd } from "../core/money.ts";
import type { Store } from "../core/ports/store.ts";
import { kept, keys, type Kept } from "./document.ts";
import { eventAppends } from "./events.ts";

/** Null takes the bound away; absent leaves what the settings say. */
const Change = z.object({ day: MicroUsd.nullable().optional(), month: MicroUsd.nullable().optional() });

export const BudgetChanges = z.object({
  user: Change.optional(),
  repository: Change.optional(),
  installation: Change.optional(),
  service: Change.optional(),
});
export type BudgetChanges = z.output<typeof BudgetChanges>;

async function readBudgetChanges(store: Store, now: Instant): Promise<Kept<BudgetChanges> | undefined> {
  const [document] = await store.look(now, [{ get: keys.budgets }]);
  return kept(BudgetChanges, document);
}

export async function readBudgets(store: Store, now: Instant, settings: Budgets): Promise<Budgets> {
  return changed(settings, (await readBudgetChanges(store, now))?.value);
}

export function changed(settings: Budgets, changes: BudgetChanges | undefined): Budgets {
  if (changes === undefined) return settings;
  const of = (kind: keyof Budgets): Allowance => ({
    day: one(settings[kind].day, changes[kind]?.day),
    month: one(settings[kind].month, changes[kind]?.month),
  });
  return { user: of("user"), repository: of("repository"), installation: of("installation"), service: of("service") };
}

const one = (setting: MicroUsd | undefined, change: MicroUsd | null | undefined): MicroUsd | undefined =>
  change === undefined ? setting : (change ?? undefined);

export interface BudgetChange {
  readonly kind: keyof Budgets;
  readonly period: keyof Allowance;
  /** Null takes the bound away; `settings` lets hold what the settings say. */
  readonly most: MicroUsd | null | "settings";
}

export interface BudgetsSet {
  readonly was: Budgets;
  readonly is: Budgets;
}

/** Holds from the next reservation on, on every replica. `message` is what the event says. */
export async function setBudgets(
  store: Store,
  changes: readonly BudgetChange[],
  ask: { settings: Budgets; message: (set: BudgetsSet) => string; now: Instant; op: string },
): Promise<BudgetsSet> {
  const { settings, message, now, op } = ask;
  for (let round = 1; ; round += 1) {
    const before = await readBudgetChanges(store, now);
    const value = changes.reduce(withChange, before?.value ?? {});
    const set = { was: changed(settings, before?.value), is: changed(settings, value) };
    const event = { at: now, level: "info", type: "budget_set", message: message(set) } as const;
    const result = await store.commit({
      op: `${op}/${round}`,
      now,
      versions: [[keys.budgets, before?.version ?? 0]],
      put: [{ key: keys.budgets, value }],
      append: eventAppends([event]),
    });
    // Another operator was faster: what they set of other ceilings stays.
    if (result.ok) return set;
  }
}

function withChange(changes: BudgetChanges, { kind, period, most }: BudgetChange): BudgetChanges {
  return { ...changes, [kind]: { ...changes[kind], [period]: most === "settings" ? undefined : most } };
}
