/** Sums of money, by purse: what is charged, and what is used (charged and held). */
import type { AttemptId, TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { serviceMonth, type Ceiling } from "../core/budget.ts";
import { MicroUsd, noMoney, plus } from "../core/money.ts";
import type { Store } from "../core/ports/store.ts";
import { counters } from "./document.ts";
import { attemptScope } from "./ledger.ts";

export const taskScope = (task: TaskId): string => `task/${task}`;

export interface ScopeMoney {
  readonly spent: MicroUsd;
  readonly model: MicroUsd;
  readonly compute: MicroUsd;
  /** Charged and held. */
  readonly used: MicroUsd;
}

export const taskMoney = (store: Store, now: Instant, task: TaskId): Promise<ScopeMoney> =>
  scopeMoney(store, now, taskScope(task));

/** Of the calendar month that `now` is in. */
export const monthMoney = (store: Store, now: Instant): Promise<ScopeMoney> =>
  scopeMoney(store, now, serviceMonth(now));

async function scopeMoney(store: Store, now: Instant, scope: string): Promise<ScopeMoney> {
  const [money] = await moneyOf(store, now, [scope]);
  if (money === undefined) throw new Error(`The store gave no sums for ${scope}.`);
  return money;
}

/** Of each, in their order, in one look. */
export async function moneyOf(store: Store, now: Instant, scopes: readonly string[]): Promise<ScopeMoney[]> {
  const names = scopes.flatMap(counterNames);
  const sums = await store.look(
    now,
    names.map((counter) => ({ counter })),
  );
  return scopes.map((_, place) => {
    const [used, model, compute] = sums.slice(3 * place, 3 * place + 3).map((sum) => MicroUsd.parse(sum));
    const parts = { used: used ?? noMoney, model: model ?? noMoney, compute: compute ?? noMoney };
    return { ...parts, spent: plus(parts.model, parts.compute) };
  });
}

const counterNames = (scope: string): [used: string, model: string, compute: string] => [
  counters.used(scope),
  counters.spent(scope, "model"),
  counters.spent(scope, "compute"),
];

/** Names of all counters that the money of one task is in, and of its attempts; those of days and months stay. */
export const moneyCounters = (task: TaskId, attempts: readonly AttemptId[]): string[] =>
  [taskScope(task), ...attempts.map(attemptScope)].flatMap(counterNames);

/** What is used of each, in their order. */
export async function usedOf(store: Store, now: Instant, ceilings: readonly Ceiling[]): Promise<MicroUsd[]> {
  const used = await store.look(
    now,
    ceilings.map(({ scope }) => ({ counter: counters.used(scope) })),
  );
  return used.map((each) => MicroUsd.parse(each));
}
