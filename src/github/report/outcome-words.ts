/** The middle of a report on an ended task: the result or the cause first, then what was kept, what it cost, what to do next. */
import { clipBytes, fence, inlineCode, plain, plainLine, quote, type Markdown } from "../../core/markdown.ts";
import { count, isRefused } from "../../core/headline.ts";
import { goesOnFrom } from "../../core/moves.ts";
import { costWords } from "../../core/cost-words.ts";
import { idleWords } from "../../core/idle.ts";
import { dollars, plus } from "../../core/money.ts";
import type { TaskView } from "../../core/ports/forge.ts";
import type { EndedTask, Published } from "../../core/task.ts";
import { withinBytes } from "../../core/within-bytes.ts";
import { items, plan } from "./progress-words.ts";

/** `whole` says where all of a text is that was cut to `textBytes`. */
export type Room = { readonly textBytes: number; readonly whole: Markdown };

const tailBytes = 4_000;
const tailLines = 40;
const leftShown = 10;

export function outcome(view: TaskView, task: EndedTask, room: Room): Markdown {
  const { finding, published } = task;
  if (isRefused(task)) return cause(task);
  const isDone = task.state === "succeeded";
  const parts = isDone
    ? [
        summary(finding.summary, room),
        result(task),
        notes(published),
        left(finding.left),
        commandOutput(task),
        steps(view),
      ]
    : [
        cause(task),
        tail(finding.tail),
        summary(finding.summary, room),
        result(task),
        notes(published),
        left(finding.left),
        steps(view),
      ];
  return [...parts, cost(view), isDone ? "" : next(task)].filter((part) => part !== "").join("\n\n");
}

/** The agent's closing words: text to be read, never Markdown to be obeyed. */
function summary(text: string, { textBytes, whole }: Room): Markdown {
  if (text.trim() === "") return "";
  return withinBytes({ head: "", body: quote(plain(text)), foot: "", whole }, textBytes);
}

function cause(task: EndedTask): Markdown {
  const { state, finding } = task;
  if (finding.trace !== undefined)
    return `Nothing you did caused it. The operator finds the cause in the log under \`${finding.trace}\`.`;
  if (state === "cancelled") return "";
  const [first = "", ...rest] = finding.because.trim().split("\n");
  // Lines alone: blanks at the ends of a patch are part of it.
  const more = rest.join("\n").replace(/^\n+|\n+$/g, "");
  if (!isRefused(task) && more === "" && isInHeadline(state, first)) return "";
  return `${isRefused(task) ? "" : "**Cause.** "}${sentence(first)}${more === "" ? "" : `\n\n${fence(more)}`}`;
}

/** Said once is enough, unless it was cut there or its stress was lost. */
const isInHeadline = (state: EndedTask["state"], because: string): boolean =>
  state === "failed" ? because.length <= 120 && !because.includes("**") : because !== idleWords;

/** Our refusals stress single words; stress is all that comes back to life. */
const bold = (text: Markdown): Markdown => text.replace(/\\\*\\\*([\w -]+)\\\*\\\*/g, "**$1**");

function sentence(text: string): Markdown {
  const end = /[.!?…:]$/.test(text) ? "" : ".";
  return `${bold(plainLine(text.charAt(0).toUpperCase() + text.slice(1)))}${end}`;
}

function tail(text: string): Markdown {
  const lines = text
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd()
    .split("\n")
    .slice(-tailLines)
    .join("\n");
  if (lines.trim() === "") return "";
  const kept = clipBytes(lines, tailBytes, { keep: "end" });
  return `Its last output:\n\n${fence(kept, "text")}`;
}

function commandOutput({ spec, finding }: EndedTask): Markdown {
  if (spec.work.kind !== "command" || finding.tail.trim() === "") return "";
  return `<details><summary>Its last output</summary>\n\n${tail(finding.tail).replace(/^.*\n\n/, "")}\n\n</details>`;
}

/** How it came to this: its plan, or the last things it did. */
function steps({ heard, task }: TaskView): Markdown {
  if (heard === undefined || task.spec.work.kind !== "agent") return "";
  const lines = heard.plan.length > 0 ? plan(heard.plan) : items(heard.doing).join("\n");
  return lines === "" ? "" : `<details><summary>Its last steps</summary>\n\n${lines}\n\n</details>`;
}

const size = ({ files, added, removed }: Published): string => `${count(files, "file")}, +${added} −${removed}`;

function result({ published, finding, state, spec }: EndedTask): Markdown {
  if (published === undefined) {
    if (finding.changedFiles === 0)
      return state === "succeeded" || spec.work.kind === "command" ? "" : "It left no changed files behind.";
    return `Its ${count(finding.changedFiles, "changed file")} ${finding.changedFiles === 1 ? "was" : "were"} not published.`;
  }
  const at = `commit ${inlineCode(published.sha.slice(0, 7))}`;
  const draft = state === "over-budget" ? "What it had done is kept as a draft: " : "";
  if (published.pullRequest !== null)
    return `${draft}**[Pull request #${published.pullRequest}](${published.url})** · ${size(published)} · ${at}`;
  return `Its changes are kept on [${inlineCode(published.branch)}](${published.url}) (${size(published)}, no pull request).`;
}

/** Sentences about the result; they may quote GitHub or name branches. */
const notes = (published: Published | undefined): Markdown => items(published?.notes ?? []).join("\n");

function left(sentences: readonly string[]): Markdown {
  if (sentences.length === 0) return "";
  const shown = items(sentences.slice(0, leftShown));
  const more = sentences.length - shown.length;
  return ["Not in the result:", ...shown, ...(more > 0 ? [`- and ${more} more`] : [])].join("\n");
}

function cost(view: TaskView): Markdown {
  const { sum, details } = costWords(view);
  return `<details><summary>${sum}</summary>\n\n${items(details).join("\n")}\n\n</details>`;
}

function next(task: EndedTask): Markdown {
  const again =
    task.base === undefined ? "starts it again" : `starts over from ${inlineCode(task.base.sha.slice(0, 7))}`;
  const money = task.state === "over-budget" ? `, with another ${dollars(task.spec.budget)}` : "";
  const more = dollars(plus(task.spec.budget, task.spec.budget));
  const on =
    goesOnFrom(task) === undefined
      ? ""
      : `\`/parhelia retry ${task.id} --budget ${more}\` goes on from what is kept, with as much money as you write; `;
  const kept =
    task.unpublished === undefined
      ? ""
      : `\`/parhelia publish ${task.id}\` publishes the kept result without running anything again; `;
  return `**Next.** ${on}${kept}\`/parhelia retry ${task.id}\` ${again}${money}.`;
}
