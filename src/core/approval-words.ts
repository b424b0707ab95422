/** What is said of a task that may become dear: to whoever looks at it, and to whoever can agree. */
import { inlineCode, type Markdown } from "./markdown.ts";
import { dollars, type MicroUsd } from "./money.ts";
import { title } from "./headline.ts";
import type { Task } from "./task.ts";

/** The right that agreeing to a cost takes. */
export const approverRole = "maintain";

interface Cost {
  readonly likely: MicroUsd;
  readonly confirm: MicroUsd;
}

/** One line. */
export const confirmWords = ({ likely, confirm }: Cost): string =>
  `it may cost ${dollars(likely)}, and above ${dollars(confirm)} a maintainer has to agree`;

export function approvalWords(task: Task, { likely, confirm }: Cost): Markdown {
  const id = inlineCode(task.id);
  return [
    `${id} (${inlineCode(title(task))}) may cost ${dollars(likely)}. Above ${dollars(confirm)}, somebody with **${approverRole}** access has to agree before it starts. Nothing ${task.attempts === 0 ? "is charged yet" : "more is charged until then"}.`,
    decideWords(task),
  ].join("\n\n");
}

/** What to type, where it was asked for. */
export function decideWords({ id, origin }: Task): Markdown {
  const us = origin.place.kind === "terminal" ? "parhelia" : "/parhelia";
  return `Let it start: \`${us} approve ${id}\` · Refuse it: \`${us} reject ${id} <reason>\``;
}

/** Whether it waits for somebody's word. */
export const wantsWord = (task: Task): boolean =>
  task.state === "waiting" && task.for === "approval" && task.cancel === undefined;
