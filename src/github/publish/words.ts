/** The words around a published result: the pull request's description, and the refusal of workflow files. */
import { clipBytes, inlineCode, plain, plainLine, quote, type Markdown } from "../../core/markdown.ts";
import { dollars, minus } from "../../core/money.ts";
import type { TaskView } from "../../core/ports/forge.ts";
import { asked, type Base, type Task } from "../../core/task.ts";
import { withinBytes } from "../../core/within-bytes.ts";
import { changedPaths, type Changes } from "../../core/changes.ts";
import { isWorkflow } from "../../core/paths.ts";
import { placeOf, taskMarker } from "../place.ts";
import { items } from "../report/progress-words.ts";
import type { WorkflowPatch } from "./workflow-patch.ts";

/** GitHub takes 65,536 characters. */
const bodyBytes = 60_000;
/** A pull request is read for what it brings; what was asked stands in the comment that it links to. */
const askedBytes = 20_000;

export function pullRequestBody(view: TaskView, base: Base, notes: readonly string[]): Markdown {
  const { task } = view;
  const head = `${taskMarker(task.id)}\n${request(task)}`;
  const words = "finding" in task ? task.finding.summary : "";
  const done = words.trim() === "" ? "" : `What Claude Code says of it:\n\n${quote(plain(words))}`;
  // A reviewer sees only what is there: what stayed behind has to be said where the rest is read.
  const left = "finding" in task ? task.finding.left.map((sentence) => `Left out: ${sentence}`) : [];
  const remarks = items([...notes, ...left]).join("\n");
  const body = [done, remarks].filter((text) => text !== "").join("\n\n");
  return withinBytes({ head, body, foot: foot(view, base), whole: "in the report of the task" }, bodyBytes);
}

function request(task: Task): Markdown {
  const { actor, comment } = task.origin;
  const { number } = placeOf(task);
  const who = comment === undefined ? plainLine(actor.login) : `[${plainLine(actor.login)}](${comment.url})`;
  const detail = task.spec.work.kind === "agent" ? task.spec.work.body : "";
  const words = [asked(task.spec.work), detail].filter((text) => text.trim() !== "").join("\n\n");
  const head = `For #${number}, asked by ${who}:`;
  const whole = comment === undefined ? "in the text of the issue" : `in [the comment](${comment.url})`;
  return withinBytes({ head, body: quote(plain(words)), foot: "", whole }, askedBytes);
}

function foot({ task, spent, model }: TaskView, base: Base): Markdown {
  const lines = [
    `Made from ${inlineCode(base.sha.slice(0, 7))}. Cost: ${dollars(spent)} (model ${dollars(model)}, sandbox ${dollars(minus(spent, model))}).`,
    ...(base.trusted ? [] : ["Made from code or text of someone without write access: read it with that in mind."]),
    `Task ${inlineCode(task.id)} of Parhelia. A person has to review and merge it.`,
  ];
  return lines.map((line) => `<sub>${line}</sub>`).join("\n");
}

/** The reason in one line, then the patch, which `git apply` reads past that line too. */
export function workflowRefusal(task: Task, base: Base, changes: Changes, patch: WorkflowPatch): string {
  const paths = changedPaths(changes);
  const workflows = paths.filter(isWorkflow);
  const others = paths.length - workflows.length;
  const rest =
    others === 0
      ? ""
      : ` The other ${others === 1 ? "file is" : `${others} files are`} kept too, as half a result may not work.`;
  const reason = `The result changes ${listed(workflows)}, which needs the permission \`workflows\`, and this app has it not. Nothing was published.${rest} Grant it, then \`/parhelia publish ${task.id}\`.`;
  if (patch.refused !== undefined)
    return `${reason} There is no patch to show: GitHub did not give the files as they were, “${patch.refused}”.`;
  const left = patch.left.length === 0 ? "" : ` There is no room here for ${listed(patch.left)}.`;
  if (patch.text === "") return `${reason}${left}`;
  const by = `Or save the patch below and put it on ${inlineCode(base.sha.slice(0, 7))} with \`git apply\`: it is of the workflow files alone.`;
  // The last line keeps what ends in blanks from being trimmed, or the patch would be damaged.
  return `${reason} ${by}${left}\n\n${patch.text}# The patch ends here.`;
}

const namesShown = 10;

function listed(paths: readonly string[]): string {
  const names = paths.slice(0, namesShown).map((path) => inlineCode(clipBytes(path, 200, { keep: "end" })));
  const more = paths.length - names.length;
  return more > 0 ? `${names.join(", ")} and ${more} more` : names.join(", ");
}
