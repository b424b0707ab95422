/** What the commits and branches of a task are called, and the lines by which a commit is known again as ours. */
import type { AttemptId } from "../../core/ids.ts";
import { visible } from "../../core/markdown.ts";
import { title } from "../../core/headline.ts";
import type { Actor, Task } from "../../core/task.ts";

export type CommitWords = { readonly headline: string; readonly body: string };

/** A commit message and a title are read without Markdown, and a mention in them still pings. */
export const unpinging = (text: string): string => visible(text).replace(/@(?=[\w-])/g, "@\u200b");

const taskLine = (task: Task): string => `Parhelia-Task: ${task.id}`;
const attemptLine = (attempt: AttemptId): string => `Parhelia-Attempt: ${attempt}`;

export const isOfTask = (message: string, task: Task): boolean => message.split("\n").includes(taskLine(task));
export const isOfAttempt = (message: string, attempt: AttemptId): boolean =>
  message.split("\n").includes(attemptLine(attempt));

/** The address that credits an account; GitHub matches it by the id, whatever the name becomes. */
function creditOf({ id, login }: Actor, webUrl: string): string | undefined {
  if (id === 0) return undefined;
  const { hostname } = new URL(webUrl);
  return `Co-authored-by: ${login} <${id}+${login}@users.noreply.${hostname}>`;
}

export function commitWords(task: Task, attempt: AttemptId, webUrl: string): CommitWords {
  const { actor, comment } = task.origin;
  const trailers = [taskLine(task), attemptLine(attempt), creditOf(actor, webUrl)].filter((line) => line !== undefined);
  const source = comment === undefined ? [] : [`Asked for in ${comment.url}`];
  return { headline: unpinging(title(task)), body: [...source, trailers.join("\n")].join("\n\n") };
}
