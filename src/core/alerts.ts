/** Alerts (guide §4.3): of the tasks that ended lately, too many broke on our side or ran out of time. */
import { after, hourMs, minuteMs, type Instant } from "./instant.ts";
import { count } from "./headline.ts";
import type { Notice } from "./notice.ts";
import type { EndedTask } from "./task.ts";

export interface AlertSettings {
  /** Percent of a ceiling at which the operator is told, whole numbers. */
  readonly budgetSteps: readonly number[];
  readonly errorPercent: number;
  readonly timeoutPercent: number;
  /** Below so many tasks nothing is said of their rates. */
  readonly minTasks: number;
}

/** Rates are those of the tasks that ended in this time. */
export const alertWindowMs = hourMs;

const kinds = ["errors", "timeouts"] as const;
type AlertKind = (typeof kinds)[number];

/** It was looked at and begun: what was refused or cancelled before says nothing about us. */
const counts = (task: EndedTask): boolean => task.attempts > task.attemptsBefore || task.finding.trace !== undefined;

/** Our fault, or a sandbox that was lost: a run has a second attempt only where the first one was lost. */
const isFault = (task: EndedTask): boolean =>
  task.finding.trace !== undefined || task.attempts - task.attemptsBefore > 1;

const isOf: Record<AlertKind, (task: EndedTask) => boolean> = {
  errors: isFault,
  timeouts: (task) => task.state === "timed-out",
};
const happened: Record<AlertKind, string> = {
  errors: "broke on our side or lost a sandbox",
  timeouts: "ran out of time",
};

/** Task ids that a notice names. */
const namedAtMost = 5;

/** Once an hour for as long as it lasts. */
const alertKey = (kind: AlertKind, at: Instant): string => `alert/${kind}/${new Date(at).toISOString().slice(0, 13)}`;

export interface Alert {
  readonly notice: Notice;
  /** Of the same in the hour before. */
  readonly keyBefore: string;
}

/** What is too much. `ended` are the tasks of the window, the newest first. */
export function alertsOf(ended: readonly EndedTask[], settings: AlertSettings, at: Instant): Alert[] {
  const tasks = ended.filter(counts);
  const bounds: Record<AlertKind, number> = { errors: settings.errorPercent, timeouts: settings.timeoutPercent };
  if (tasks.length < settings.minTasks) return [];
  return kinds.flatMap((kind): Alert[] => {
    const those = tasks.filter(isOf[kind]);
    const percent = Math.floor((those.length * 100) / tasks.length);
    if (those.length === 0 || percent < bounds[kind]) return [];
    return [{ notice: alert(kind, { tasks, those, percent, at }), keyBefore: alertKey(kind, after(at, -hourMs)) }];
  });
}

function alert(
  kind: AlertKind,
  found: { tasks: readonly EndedTask[]; those: readonly EndedTask[]; percent: number; at: Instant },
): Notice {
  const { tasks, those, percent, at } = found;
  const newest = those.slice(0, namedAtMost).map(({ id }) => id);
  const window = `the last ${alertWindowMs / minuteMs} minutes`;
  const words = `${those.length} of ${count(tasks.length, "task")} (${percent} %) of ${window} ${happened[kind]}`;
  return {
    key: alertKey(kind, at),
    kind,
    at,
    title: `Alert: ${words}`,
    text: `**${percent} %**: ${words}. The newest: ${newest.map((id) => `\`${id}\``).join(", ")}.`,
    facts: { tasks: tasks.length, affected: those.length, percent, newest },
  };
}
