/** Whose money a task spends, and how much of it there is: the task's own, its person's, its repository's, and so on up. */
import type { Instant } from "./instant.ts";
import { dollars, type MicroUsd } from "./money.ts";
import { repositoryKey, repositoryName, type Origin, type Task } from "./task.ts";

/** Undefined where nothing bounds it; it is counted all the same. */
export interface Allowance {
  readonly day: MicroUsd | undefined;
  readonly month: MicroUsd | undefined;
}

/** What the operator allows, for each person, repository and installation, and for everything. */
export interface Budgets {
  readonly user: Allowance;
  readonly repository: Allowance;
  readonly installation: Allowance;
  readonly service: Allowance;
}

/** One purse that a charge comes out of. Days and months are those of UTC. */
export interface Ceiling {
  /** Names its sums: `task/t_7k2m41qz`, `user/7/2026-11-25`. */
  readonly scope: string;
  readonly kind: "task" | keyof Budgets;
  /** Whose it is, as untrusted as a name: `this task`, `dana`, `acme/widgets`. */
  readonly of: string;
  readonly period: "" | "today" | "this month";
  readonly most: MicroUsd | undefined;
}

export const dayOf = (instant: Instant): string => new Date(instant).toISOString().slice(0, 10);
export const monthOf = (instant: Instant): string => new Date(instant).toISOString().slice(0, 7);

/** `2026-12` for any instant of November. */
export function nextMonthOf(instant: Instant): string {
  const date = new Date(instant);
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1)).toISOString().slice(0, 7);
}

/** `$4.80 of $5.00 of acme/widgets this month`. */
export function budgetWords({ used, ceiling }: { used: MicroUsd; ceiling: Ceiling & { most: MicroUsd } }): string {
  const { of, period, most } = ceiling;
  return [`${dollars(used)} of ${dollars(most)} of ${of}`, period].filter((part) => part !== "").join(" ");
}

/** Scope of everything in the month. */
export const serviceMonth = (at: Instant): string => `month/${monthOf(at)}`;

/** Every purse that a task spends from at that instant, its own first. */
export const ceilingsOf = (task: Task, budgets: Budgets, at: Instant): Ceiling[] => [
  { scope: `task/${task.id}`, kind: "task", of: "this task", period: "", most: task.ceiling },
  ...sharedCeilings(task.origin, budgets, at),
];

/** Those that tasks of one person at one place have in common. */
export function sharedCeilings({ place, actor }: Origin, budgets: Budgets, at: Instant): Ceiling[] {
  const both = (kind: keyof Budgets, name: string, of: string): Ceiling[] => [
    { scope: `${name}/${dayOf(at)}`, kind, of, period: "today", most: budgets[kind].day },
    { scope: `${name}/${monthOf(at)}`, kind, of, period: "this month", most: budgets[kind].month },
  ];
  const { day, month } = budgets.service;
  return [
    ...both("user", `user/${actor.id}`, actor.login),
    ...both("repository", `repository/${repositoryKey(place)}`, repositoryName(place)),
    ...(place.kind === "issue" ? both("installation", `installation/${place.installation}`, "this installation") : []),
    { scope: `day/${dayOf(at)}`, kind: "service", of: "this service", period: "today", most: day },
    { scope: serviceMonth(at), kind: "service", of: "this service", period: "this month", most: month },
  ];
}
