/** Where spending leads: what the month comes to if it goes on as it went. A projection, never a bound. */
import { dayOf } from "./budget.ts";
import { after, dayMs, type Instant } from "./instant.ts";
import { microUsd, minus, noMoney, type MicroUsd } from "./money.ts";

export interface SoFar {
  readonly now: Instant;
  /** Charged since the month began, UTC. */
  readonly spent: MicroUsd;
  /** Of the ceiling: charged and held. */
  readonly used: MicroUsd;
  /** Charged on the seven days before today, and today until now; they may reach into the month before. */
  readonly lately: MicroUsd;
  /** Undefined where nothing bounds the month. */
  readonly most: MicroUsd | undefined;
}

export interface Projection {
  /** As in this month so far, or as in the last seven days and today. */
  readonly as: "month" | "week";
  readonly perDay: MicroUsd;
  /** When the month ends. */
  readonly atEnd: MicroUsd;
  /** The day on which the ceiling is reached, UTC; undefined where the month ends before that, or nothing bounds it. */
  readonly reachedOn: string | undefined;
}

/** Whole days before today that count as lately. */
export const lateDays = 7;

/** The month's own rate comes first; it is left out on the first day, which says too little. */
export function forecast(facts: SoFar): Projection[] {
  const { now, spent, lately } = facts;
  const date = new Date(now);
  const monthMs = now - Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  const weekMs = lateDays * dayMs + (now - Date.parse(dayOf(now)));
  const week = project("week", lately / weekMs, facts);
  return monthMs < dayMs ? [week] : [project("month", spent / monthMs, facts), week];
}

function project(as: Projection["as"], perMs: number, { now, spent, used, most }: SoFar): Projection {
  const date = new Date(now);
  const leftMs = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1) - now;
  const left = most === undefined ? Infinity : minus(most, used);
  const reachedInMs = left === noMoney ? 0 : left / perMs;
  return {
    as,
    perDay: microUsd(Math.round(perMs * dayMs)),
    atEnd: microUsd(Math.round(spent + perMs * leftMs)),
    reachedOn: reachedInMs < leftMs ? dayOf(after(now, reachedInMs)) : undefined,
  };
}
