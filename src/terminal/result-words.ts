/** What came of a task, for a terminal. */
import { count } from "../core/headline.ts";
import type { TaskView } from "../core/ports/forge.ts";
import { dollars, minus } from "../core/money.ts";
import { plain } from "../core/markdown.ts";
import { isEnded } from "../core/task.ts";
import { forTerminal } from "./words.ts";

export function resultWords({ task, spent, model }: TaskView): string {
  if (!isEnded(task)) return "";
  const { finding, published, unpublished } = task;
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
    `Cost ${dollars(spent)}: model ${dollars(model)}, sandbox ${dollars(minus(spent, model))}`,
  ];
  return paragraphs.filter((each) => each !== "").join("\n\n");
}

const shownLines = 20;

const lastLines = (tail: string): string =>
  plain(tail).trim() === "" ? "" : forTerminal(tail.trimEnd().split("\n").slice(-shownLines).join("\n"));
