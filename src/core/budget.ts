/** Whose money a task spends, and how much of it there is: the task's own, its person's, its repository's, and so on up. */
import { after, dayMs, Instant } from "./instant.ts";
import { dollars, lowerBound, type MicroUsd } from "./money.ts";
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
  /** `today`, `this month`, `on 2026-11-26` or "" for a task's own. */
  readonly period: string;
  readonly most: MicroUsd | undefined;
  /** When its sum starts anew; absent for a task's own. */
  readonly renewsAt?: Instant;
}

export const dayOf = (instant: Instant): string => new Date(instant).toISOString().slice(0, 10);
export const monthOf = (instant: Instant): string => new Date(instant).toISOString().slice(0, 7);

const midnightAfter = (at: Instant): Instant => after(Instant.parse(Date.parse(dayOf(at))), dayMs);

function firstOfNextMonth(at: Instant): Instant {
  const date = new Date(at);
  return Instant.parse(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1));
}

/** `$4.80 of $5.00 of acme/widgets this month`. */
export function budgetWords({ used, ceiling }: { used: MicroUsd; ceiling: Ceiling & { most: MicroUsd } }): string {
  const { of, period, most } = ceiling;
  return [`${dollars(used)} of ${dollars(most)} of ${of}`, period].filter((part) => part !== "").join(" ");
}

/** Scope of everything in the month. */
export const serviceMonth = (at: Instant): string => `service/${monthOf(at)}`;

/** Every purse that a task spends from at that instant, its own first. */
export const ceilingsOf = (task: Task, budgets: Budgets, at: Instant): Ceiling[] => [
  { scope: `task/${task.id}`, kind: "task", of: "this task", period: "", most: task.ceiling },
  ...sharedCeilings(task.origin, loweredBy(task, budgets), at),
];

/** A repository may lower what the operator allows it, and never raise it. */
function loweredBy({ lowered }: Task, budgets: Budgets): Budgets {
  const { day, month } = budgets.repository;
  return { ...budgets, repository: { day: lowerBound(day, lowered?.day), month: lowerBound(month, lowered?.month) } };
}

/** The same for money that may be spent at any time until then: what goes over midnight is held in both days. */
export function ceilingsUntil(task: Task, budgets: Budgets, { from, until }: Span): Ceiling[] {
  const now = ceilingsOf(task, budgets, from);
  const known = new Set(now.map(({ scope }) => scope));
  const later = sharedCeilings(task.origin, loweredBy(task, budgets), until).filter(({ scope }) => !known.has(scope));
  return [
    ...now,
    ...later.map((ceiling) => ({
      ...ceiling,
      period: ceiling.period === "today" ? `on ${dayOf(until)}` : `in ${monthOf(until)}`,
    })),
  ];
}

export interface Span {
  readonly from: Instant;
  readonly until: Instant;
}

/** The span in pieces of one UTC day each. */
export function byDay({ from, until }: Span): Span[] {
  const midnight = midnightAfter(from);
  return until <= midnight ? [{ from, until }] : [{ from, until: midnight }, ...byDay({ from: midnight, until })];
}

const period = /\/(\d{4}-\d{2}(?:-\d{2})?)$/;

/** Whether what belongs to that instant is in the sum of that name. */
export function isIn(scope: string, at: Instant): boolean {
  const date = period.exec(scope)?.[1];
  return date === undefined || date === dayOf(at) || date === monthOf(at);
}

/** Those that tasks of one person at one place have in common. */
export function sharedCeilings({ place, actor }: Origin, budgets: Budgets, at: Instant): Ceiling[] {
  const both = (kind: keyof Budgets, name: string, of: string): Ceiling[] => {
    const { day, month } = budgets[kind];
    return [
      { scope: `${name}${dayOf(at)}`, kind, of, period: "today", most: day, renewsAt: midnightAfter(at) },
      { scope: `${name}${monthOf(at)}`, kind, of, period: "this month", most: month, renewsAt: firstOfNextMonth(at) },
    ];
  };
  return [
    ...both("user", `user/${actor.id}/`, actor.login),
    ...both("repository", `repository/${repositoryKey(place)}/`, repositoryName(place)),
    ...(place.kind === "issue" ? both("installation", `installation/${place.installation}/`, "this installation") : []),
    ...both("service", "service/", "this service"),
  ];
}
