/** What people see of a task on GitHub: the comment that is edited in place, and the output of its check run. */
import { gpuWords } from "../../core/card-words.ts";
import { headline, isRefused, title } from "../../core/headline.ts";
import { clipBytes, inlineCode, plainLine, visible, type Markdown } from "../../core/markdown.ts";
import type { TaskView } from "../../core/ports/forge.ts";
import { isEnded, repositoryName, type Base, type Task } from "../../core/task.ts";
import { withinBytes } from "../../core/within-bytes.ts";
import { placeOf, taskMarker } from "../place.ts";
import { progress } from "./progress-words.ts";
import { outcome } from "./outcome-words.ts";

/** Where more can be seen than GitHub has room for. */
export type Elsewhere = { readonly publicUrl: string | undefined };

/** GitHub takes 65,536 characters; bytes are never fewer. */
const commentBytes = 65_000;
const checkBytes = 65_535;
/** A comment is read in passing: a longer text belongs to the check run and the page. */
const commentTextBytes = 6_000;
/** GitHub names no limit; what is longer does not fit beside the mark anyway. */
const checkTitleCharacters = 160;
/** What stands in the first lines may be long, but must leave room for the rest, which alone is cut. */
const headlineBytes = 600;
const refBytes = 250;

export const taskUrl = (publicUrl: string, task: Task): string => `${publicUrl}/tasks/${task.id}`;

export function reportComment(view: TaskView, elsewhere: Elsewhere): Markdown {
  const { task } = view;
  const head = `${taskMarker(task.id)}\n### ${heading(view)}\n\n${subject(view)}`;
  const whole = wholeText(task, elsewhere);
  return withinBytes(
    { head, body: middle(view, commentTextBytes, whole), foot: smallPrint(view, elsewhere), whole },
    commentBytes,
  );
}

function heading(view: TaskView): Markdown {
  const { task } = view;
  const { mark, text } = headline(isRefused(task) ? withReason(view, "") : ofOneLine(view));
  const number = "published" in task ? task.published?.pullRequest : undefined;
  const words = plainLine(clipBytes(text, headlineBytes, { keep: "start" }));
  // The one reference that is ours: it may be a link again.
  return `${mark} ${number === undefined || number === null ? words : words.replace(`#\u200b${number}`, `#${number}`)}`;
}

/** A reason of several lines belongs below the headline, all but its first. */
function ofOneLine(view: TaskView): TaskView {
  const { task } = view;
  return task.state === "failed" ? withReason(view, task.finding.because.trim().split("\n")[0] ?? "") : view;
}

function withReason(view: TaskView, because: string): TaskView {
  const { task } = view;
  if (task.state !== "failed") return view;
  return { ...view, task: { ...task, finding: { ...task.finding, because } } };
}

export type CheckWords = { readonly title: string; readonly summary: Markdown };

export function checkWords(view: TaskView, elsewhere: Elsewhere): CheckWords {
  // GitHub shows it as it is, marks and all.
  const characters = Array.from(
    visible(headline(ofOneLine(view)).text)
      .replaceAll("`", "")
      .replace(/\s+/g, " "),
  );
  const title =
    characters.length <= checkTitleCharacters ? characters : [...characters.slice(0, checkTitleCharacters - 1), "…"];
  const whole = wholeText(view.task, elsewhere);
  const summary = withinBytes(
    { head: subject(view), body: middle(view, checkBytes, whole), foot: smallPrint(view, elsewhere), whole },
    checkBytes,
  );
  return { title: title.join(""), summary };
}

const middle = (view: TaskView, textBytes: number, whole: Markdown): Markdown =>
  isEnded(view.task) ? outcome(view, view.task, { textBytes, whole }) : progress(view);

function wholeText(task: Task, { publicUrl }: Elsewhere): Markdown {
  return publicUrl === undefined
    ? "kept by the service, where its operator can read it"
    : `on [its page](${taskUrl(publicUrl, task)})`;
}

/** Who asked for what, and what it runs on. */
function subject(view: TaskView): Markdown {
  const { task } = view;
  const { actor, comment } = task.origin;
  const who = comment === undefined ? plainLine(actor.login) : `[${plainLine(actor.login)}](${comment.url})`;
  const isAgent = task.spec.work.kind === "agent";
  const what = isAgent ? `*${plainLine(title(task))}*` : inlineCode(title(task));
  const asked = `Asked by ${who}: ${what}`;
  if (isRefused(task)) return asked;
  const runs = isAgent ? "Claude Code" : "A command";
  const at =
    task.base === undefined
      ? "(its commit is being looked up)"
      : `at ${inlineCode(task.base.sha.slice(0, 7))} (${refName(task, task.base)})`;
  const gpu = gpuWords(view);
  const on = gpu === undefined ? "" : `\n${plainLine(gpu)}`;
  return `${asked}\n${runs} on ${inlineCode(repositoryName(task.origin.place))} ${at}${on}`;
}

const isPullRef = (base: Base): boolean => base.fetchRef.startsWith("refs/pull/");
const refName = (task: Task, base: Base): Markdown =>
  isPullRef(base)
    ? `pull request #${placeOf(task).number}`
    : inlineCode(clipBytes(base.ref, refBytes, { keep: "start" }));

/** Needed once: what it cannot see, and how it is stopped. One short line each, as wrapped ones overlap in `<sub>`. */
function smallPrint({ task }: TaskView, { publicUrl }: Elsewhere): Markdown {
  const lines: Markdown[] = [];
  if (!isEnded(task)) {
    const what = placeOf(task).pullRequest ? "pull request" : "issue";
    lines.push(
      `Sees this ${what} as it was and that commit. Not: later commits and edits, other repositories, secrets.`,
    );
  }
  if (task.base?.trusted === false) {
    const so =
      task.spec.work.kind === "agent" ? "it is data to the agent, never an order" : "it reaches listed hosts alone";
    lines.push(`Its code or text comes from someone without write access: ${so}.`);
  }
  if (publicUrl !== undefined)
    lines.push(`${isEnded(task) ? "All it did" : "Watch it"}: [task ${task.id}](${taskUrl(publicUrl, task)})`);
  if (!isEnded(task)) lines.push(`Stop it: \`/parhelia cancel ${task.id}\``);
  return lines.map((line) => `<sub>${line}</sub>`).join("\n");
}
