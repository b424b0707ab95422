/** Notices: what the operator should know without looking, each told once. They are events too. */
import { z } from "zod";
import { budgetWords, type Ceiling } from "./budget.ts";
import type { Event } from "./event.ts";
import { TaskId } from "./ids.ts";
import { Instant } from "./instant.ts";
import { plainLine } from "./markdown.ts";
import type { MicroUsd } from "./money.ts";

export const Notice = z.object({
  /** What it is about, once: `budget/service/2026-11/200000000/80`, `alert/errors/2026-11-25T08`. ASCII. */
  key: z.string(),
  kind: z.enum(["budget", "errors", "timeouts", "schedule"]),
  at: Instant,
  /** Set where it is about one task alone; nobody is told then, it is an event of that task. */
  task: TaskId.optional(),
  /** One line of plain text, not Markdown; as untrusted as the names in it. */
  title: z.string(),
  /** Markdown that is safe to post. */
  text: z.string(),
  /** The same in figures, for programs. */
  facts: z.record(z.string(), z.json()),
});
export type Notice = z.output<typeof Notice>;

/** The event that is written with it. */
export const noticeEvent = ({ key, kind, at, task, title, facts }: Notice): Event => ({
  at,
  level: "warning",
  ...(task === undefined ? {} : { task }),
  type: kind === "budget" ? "budget_step" : "alert_raised",
  message: title,
  details: { ...facts, notice: key },
});

export interface Step {
  readonly ceiling: Ceiling & { readonly most: MicroUsd };
  readonly used: MicroUsd;
  readonly percent: number;
}

/** A ceiling that is changed has steps of its own. */
export const stepKey = ({ ceiling: { scope, most }, percent }: Pick<Step, "ceiling" | "percent">): string =>
  `budget/${scope}/${most}/${percent}`;

/** `isRefused`: a task waits because the rest does not cover it. */
export function budgetNotice(step: Step, { at, isRefused }: { at: Instant; isRefused: boolean }): Notice {
  const { ceiling, used, percent } = step;
  const words = budgetWords(step);
  const refused = isRefused ? "; a task waits because the rest does not cover it" : "";
  const title = `Budget, ${percent} %: ${words} used or reserved${refused}`;
  const renews =
    ceiling.renewsAt === undefined
      ? ""
      : ` It starts anew on ${new Date(ceiling.renewsAt).toISOString().slice(0, 10)} (UTC).`;
  return {
    key: stepKey(step),
    kind: "budget",
    at,
    ...(ceiling.kind === "task" ? { task: TaskId.parse(ceiling.scope.slice("task/".length)) } : {}),
    title,
    text: `**${percent} %** of a ceiling: ${plainLine(words)} used or reserved${refused}.${renews}`,
    facts: { scope: ceiling.scope, percent, usedMicroUsd: used, mostMicroUsd: ceiling.most, refused: isRefused },
  };
}

/** The highest of these steps (percent, whole) that so much of the ceiling has reached. */
export function reachedStep(
  steps: readonly number[],
  step: Omit<Step, "percent">,
  isRefused: boolean,
): number | undefined {
  const { used, ceiling } = step;
  const percent = isRefused || used >= ceiling.most ? 100 : Math.floor((used * 100) / Math.max(1, ceiling.most));
  const reached = steps.filter((each) => each <= percent);
  return reached.length === 0 || (used === 0 && !isRefused) ? undefined : Math.max(...reached);
}
