/** The words around a published result: the pull request's title and description, and the refusal of workflow files. */
import { title } from "../../core/headline.ts";
import { byteLength, clipBytes, inlineCode, plain, plainLine, quote, type Markdown } from "../../core/markdown.ts";
import { dollars, minus } from "../../core/money.ts";
import type { TaskView } from "../../core/ports/forge.ts";
import { asked, type Base, type Task } from "../../core/task.ts";
import { withinBytes } from "../../core/within-bytes.ts";
import { unpinging } from "./attribution.ts";
import { type Changes } from "../../core/changes.ts";
import { isWorkflow, shownPath } from "../../core/paths.ts";
import { placeOf, taskMarker } from "../place.ts";

/** GitHub takes 65,536 characters. */
const bodyBytes = 60_000;
/** A refusal is shown in one comment. */
const patchBytes = 30_000;

export const pullRequestTitle = (task: Task): string => unpinging(title(task));

export function pullRequestBody(view: TaskView, base: Base, notes: readonly string[]): Markdown {
  const { task } = view;
  const head = `${taskMarker(task.id)}\n${request(task)}`;
  const words = "finding" in task ? task.finding.summary : "";
  const done = words.trim() === "" ? "" : `What Claude Code says of it:\n\n${quote(plain(words))}`;
  // A reviewer sees only what is there: what stayed behind has to be said where the rest is read.
  const left = "finding" in task ? task.finding.left.map((sentence) => `Left out: ${sentence}`) : [];
  const remarks = [...notes, ...left].map((note) => `- ${plainLine(note)}`).join("\n");
  const body = [done, remarks].filter((text) => text !== "").join("\n\n");
  return withinBytes({ head, body, foot: foot(view, base), whole: "in the report of the task" }, bodyBytes);
}

function request(task: Task): Markdown {
  const { actor, comment } = task.origin;
  const { number } = placeOf(task);
  const who = comment === undefined ? plainLine(actor.login) : `[${plainLine(actor.login)}](${comment.url})`;
  const detail = task.spec.work.kind === "agent" ? task.spec.work.body : "";
  const words = [asked(task.spec.work), detail].filter((text) => text.trim() !== "").join("\n\n");
  return `For #${number}, asked by ${who}:\n\n${quote(plain(words))}`;
}

function foot({ task, spent, model }: TaskView, base: Base): Markdown {
  const lines = [
    `Made from ${inlineCode(base.sha.slice(0, 7))}. Cost: ${dollars(spent)} (model ${dollars(model)}, sandbox ${dollars(minus(spent, model))}).`,
    ...(base.trusted ? [] : ["Made from code or text of someone without write access: read it with that in mind."]),
    `Task ${inlineCode(task.id)} of Parhelia. A person has to review and merge it.`,
  ];
  return lines.map((line) => `<sub>${line}</sub>`).join("\n");
}

/** The first line is the reason; the files follow, so that a person may commit them by hand. */
export function workflowRefusal(changes: Changes): string {
  const files = changes.puts.filter(({ path }) => isWorkflow(path));
  const gone = changes.deletes.filter(isWorkflow);
  const names = [...files.map(({ path }) => path), ...gone].map((path) => inlineCode(path)).join(", ");
  const others = changes.puts.length + changes.deletes.length - files.length - gone.length;
  const rest =
    others === 0
      ? ""
      : ` The other ${others === 1 ? "file is" : `${others} files are`} kept too, as half a result may not work.`;
  const reason = `The result changes ${names}, which needs the permission \`workflows\`, and this app has it not. Nothing was published.${rest}`;
  const shown = files.map(({ path, content }) => `=== ${shownPath(path)}\n${content.toString("utf8")}`);
  const deleted = gone.map((path) => `=== ${shownPath(path)} is deleted`);
  const patch = [...shown, ...deleted].join("\n\n");
  const clipped = clipBytes(patch, patchBytes, { keep: "start" });
  const cut = byteLength(patch) - byteLength(clipped);
  return `${reason}\n\n${clipped}${cut > 0 ? `\n=== ${cut} more bytes are not shown` : ""}`;
}
