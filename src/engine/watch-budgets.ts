/** How much is used of each ceiling that tasks spend from: a step that is reached, and was not told of, is a notice. */
import { ceilingsOf, type Budgets, type Ceiling } from "../core/budget.ts";
import type { Instant } from "../core/instant.ts";
import { noMoney, plus, type MicroUsd } from "../core/money.ts";
import { budgetNotice, reachedStep, stepKey, type Notice, type Step } from "../core/notice.ts";
import type { Task } from "../core/task.ts";
import { readBudgets } from "../records/budgets.ts";
import { raisedAt } from "../records/notices.ts";
import { taskScope, usedOf } from "../records/spending.ts";
import { claimNeed } from "../core/claim-need.ts";
import type { Room } from "./room.ts";

type Bounded = Step["ceiling"];

/** Only the highest step that a ceiling has reached: those below it go without saying. */
export async function budgetNotices(room: Room, tasks: readonly Task[], now: Instant): Promise<Notice[]> {
  const { store, limits, operator } = room;
  const steps = operator.alerts.budgetSteps;
  if (tasks.length === 0 || steps.length === 0) return [];
  const budgets = await readBudgets(store, now, limits.budgets);
  const ceilings = boundedOnce(tasks.flatMap((task) => ceilingsWatched(room, task, { budgets, now })));
  const amounts = await usedOf(store, now, ceilings);
  const used = new Map(ceilings.map(({ scope }, place) => [scope, amounts[place] ?? noMoney]));
  const refusing = new Set(
    tasks.filter(waitsForMoney).flatMap((task) => refusedBy(room, task, { used, budgets, now })),
  );
  const reached = ceilings.flatMap((ceiling) => {
    const step = { ceiling, used: used.get(ceiling.scope) ?? noMoney };
    const isRefused = refusing.has(ceiling.scope);
    const percent = reachedStep(steps, step, isRefused);
    return percent === undefined ? [] : [{ step: { ...step, percent }, isRefused }];
  });
  const stepKeys = reached.map(({ step }) => stepKey(step));
  const before = await raisedAt(store, now, stepKeys);
  return reached.flatMap(({ step, isRefused }, place) =>
    before[place] === undefined ? [budgetNotice(step, { at: now, isRefused })] : [],
  );
}

const waitsForMoney = (task: Task): boolean => task.state === "waiting" && task.for === "money";

interface At {
  readonly budgets: Budgets;
  readonly now: Instant;
}

/** Those of today; and for a start that waits, those of the day that its sandbox would live into. */
function ceilingsWatched(room: Room, task: Task, { budgets, now }: At): readonly Ceiling[] {
  if (!waitsForMoney(task)) return ceilingsOf(task, budgets, now);
  return claimNeed(task, { used: noMoney, budgets, now, ...costOf(room, task) }).ceilings;
}

const costOf = ({ sandboxes, limits }: Room, { spec }: Task) => ({
  microUsdPerHour: sandboxes.pricePerHour(spec.resources),
  maxWaitMs: limits.maxWaitMs,
});

/** Names of the ceilings that do not cover its start. */
function refusedBy(
  room: Room,
  task: Task,
  { used, budgets, now }: At & { used: ReadonlyMap<string, MicroUsd> },
): string[] {
  const of = (scope: string): MicroUsd => used.get(scope) ?? noMoney;
  const given = { used: of(taskScope(task.id)), budgets, now, ...costOf(room, task) };
  const { ceilings, held } = claimNeed(task, given);
  const needed = plus(held.compute, held.model);
  return ceilings.flatMap(({ scope, most }) => (most !== undefined && of(scope) + needed > most ? [scope] : []));
}

function boundedOnce(ceilings: readonly Ceiling[]): Bounded[] {
  const found = new Map<string, Bounded>();
  for (const { most, ...ceiling } of ceilings) {
    if (most !== undefined && !found.has(ceiling.scope)) found.set(ceiling.scope, { ...ceiling, most });
  }
  return [...found.values()];
}
