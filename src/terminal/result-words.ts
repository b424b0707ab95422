/** What came of a task, for a terminal. */
import { count } from "../core/headline.ts";
import type { TaskView } from "../core/ports/forge.ts";
import { costWords } from "../core/cost-words.ts";
import { plain } from "../core/markdown.ts";
import { isEnded } from "../core/task.ts";
import { forTerminal } from "./words.ts";

export function resultWords(view: TaskView): string {
  const { task } = view;
  if (!isEnded(task)) return "";
  const { finding, published, unpublished } = task;
  const { sum, details } = costWords(view);
  const paragraphs = [
    finding.summary === "" ? "" : forTerminal(plain(finding.summary)),
    task.state === "succeeded" && task.spec.work.kind === "agent" ? "" : lastLines(finding.tail),
    published === undefined
      ? ""
      : `Branch ${published.branch}: ${count(published.files, "file")}, +${published.added} −${published.removed}`,
    unpublished === undefined
      ? ""
      : `${forTerminal(plain(finding.because))}\n\nThe result is kept. To publish it without running anything again: parhelia publish ${task.id}`,
    ...finding.left,
    [sum, ...details.map((detail) => `  ${detail}`)].join("\n"),
  ];
  return paragraphs.filter((each) => each !== "").join("\n\n");
}

const shownLines = 20;

const lastLines = (tail: string): string =>
  plain(tail).trim() === "" ? "" : forTerminal(tail.trimEnd().split("\n").slice(-shownLines).join("\n"));
