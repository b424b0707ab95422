/** What the commits and branches of a task are called, and the lines by which a commit is known again as ours. */
import type { AttemptId } from "../../core/ids.ts";
import { visible } from "../../core/markdown.ts";
import { title } from "../../core/headline.ts";
import type { Actor, Task } from "../../core/task.ts";

export type CommitWords = { readonly headline: string; readonly body: string };

/** Ends a mention or a reference without being seen. */
const joint = "\u200b";
/** A longer headline is folded by GitHub, and its end shown as if it were the first line of the text below. */
const mostCharacters = 72;

/**
 * What is read without Markdown still pings, and closes issues once it is merged: people, `#1`, `GH-1` and addresses of
 * issues are broken by a mark that nobody sees. Also takes out the marks that the text brought with it.
 */
export const unpinging = (text: string): string =>
  visible(text).replace(/@(?=\S)|#(?=\d)|GH-(?=\d)|:(?=\/\/)|\/(?:issues|pull|discussions)\/(?=\d)/gi, `$&${joint}`);

/** What was asked, as the name of a commit or a pull request: one line that is never empty, which GitHub would refuse. */
export function calmTitle(task: Task): string {
  const characters = Array.from(unpinging(title(task)).trim());
  if (characters.length === 0) return `Result of ${task.id}`;
  if (characters.length <= mostCharacters) return characters.join("");
  return `${characters.slice(0, mostCharacters - 1).join("")}…`;
}

const taskLine = (task: Task): string => `Parhelia-Task: ${task.id}`;
const attemptLine = (attempt: AttemptId): string => `Parhelia-Attempt: ${attempt}`;

/** The lines at the end alone: what a person asked for becomes the first line, and may look like one of ours. */
const trailersOf = (message: string): string[] => (message.trimEnd().split("\n\n").slice(1).at(-1) ?? "").split("\n");

export const isOfTask = (message: string, task: Task): boolean => trailersOf(message).includes(taskLine(task));
export const isOfAttempt = (message: string, attempt: AttemptId): boolean =>
  trailersOf(message).includes(attemptLine(attempt));

/** The address that credits an account; GitHub matches it by the id, whatever the name becomes. */
function creditOf({ id, login }: Actor, webUrl: string): string | undefined {
  // Another name than GitHub gives could hold lines of its own.
  if (id === 0 || !/^[\w-]+(?:\[bot\])?$/.test(login)) return undefined;
  const { hostname } = new URL(webUrl);
  return `Co-authored-by: ${login} <${id}+${login}@users.noreply.${hostname}>`;
}

export function commitWords(task: Task, attempt: AttemptId, webUrl: string): CommitWords {
  const { actor, comment } = task.origin;
  const trailers = [taskLine(task), attemptLine(attempt), creditOf(actor, webUrl)].filter((line) => line !== undefined);
  const source = comment === undefined ? [] : [`Asked for in ${comment.url}`];
  return { headline: calmTitle(task), body: [...source, trailers.join("\n")].join("\n\n") };
}
