/** The middle of a report while a task is not at its end: what it waits for, its plan, what was last heard. */
import { approverRole } from "../../core/approval-words.ts";
import { count, elapsed } from "../../core/headline.ts";
import { dollars } from "../../core/money.ts";
import { plainLine, type Markdown } from "../../core/markdown.ts";
import type { TaskView } from "../../core/ports/forge.ts";
import type { Heard } from "../../core/attempt.ts";
import type { Task } from "../../core/task.ts";

const stepsShown = 8;
const actionsShown = 4;

export function progress(view: TaskView): Markdown {
  const { task } = view;
  switch (task.state) {
    case "queued":
      return ahead(view.ahead);
    case "waiting":
      return [because(task), estimated(task), task.for === "slot" ? ahead(view.ahead) : ""]
        .filter((text) => text !== "")
        .join("\n\n");
    case "starting":
      return estimated(task);
    case "running":
    case "publishing":
      return working(view);
    default:
      return "";
  }
}

/** What it may cost, where somebody wants to know, and what to type where somebody has to agree. */
function estimated(task: Extract<Task, { state: "waiting" | "starting" }>): Markdown {
  const { estimate, spec } = task;
  if (estimate === undefined) return "";
  const most = `at most ${dollars(estimate.runs === 0 ? estimate.to : spec.budget)}`;
  const words =
    estimate.runs === 0
      ? `Estimate: ${most}; no run like it has ended here yet.`
      : `Estimate: ${dollars(estimate.from)} to ${dollars(estimate.to)}, from ${count(estimate.runs, "run")} like it; ${most}.`;
  if (task.state !== "waiting" || task.for !== "approval") return words;
  return `${words}\n\nWith **${approverRole}** access: \`/parhelia approve ${task.id}\` lets it start, \`/parhelia reject ${task.id}\` refuses it.`;
}

/** Where the headline does not say it already. */
const because = (task: Extract<Task, { state: "waiting" }>): Markdown =>
  task.for === "capacity" ? plainLine(task.because) : "";

function ahead(count: number): Markdown {
  if (count === 0) return "";
  return count === 1
    ? "One task of this repository is ahead of it."
    : `${count} tasks of this repository are ahead of it.`;
}

function working({ heard, now, attempt, task }: TaskView): Markdown {
  const again =
    task.attempts - task.attemptsBefore > 1
      ? `This is attempt ${task.attempts - task.attemptsBefore}: the sandbox before it was lost.`
      : "";
  if (heard === undefined) {
    const since = attempt === undefined ? "" : ` in ${elapsed(now - attempt.claimedAt)}`;
    return [again, `Nothing was heard from its sandbox${since} yet.`].filter((text) => text !== "").join("\n\n");
  }
  const steps = heard.plan.length > 0 ? plan(heard.plan) : actions(heard.doing);
  return [again, steps, last(heard, now)].filter((text) => text !== "").join("\n\n");
}

/** The steps around the present one: a long plan is not read, but where it stands is. */
export function plan(steps: Heard["plan"]): Markdown {
  const present = steps.findIndex(({ state }) => state !== "done");
  const at = present === -1 ? steps.length : present;
  const from = Math.max(0, Math.min(at - 3, steps.length - stepsShown));
  const shown = steps.slice(from, from + stepsShown).map(({ text, state }) => {
    if (state === "done") return `- [x] ${plainLine(text)}`;
    return state === "now" ? `- [ ] **${plainLine(text)}** ← now` : `- [ ] ${plainLine(text)}`;
  });
  const before = from > 0 ? [`- [x] ${from} done before`] : [];
  const after = steps.length - from - shown.length;
  return [...before, ...shown, ...(after > 0 ? [`- [ ] ${after} more`] : [])].join("\n");
}

/** Its latest acts but the very last, which is told with its time. */
const actions = (doing: Heard["doing"]): Markdown => items(doing.slice(0, -1).slice(-actionsShown)).join("\n");

/** Items of a list. One without words is left out: its mark alone would make a heading of the line above. */
export const items = (lines: readonly string[]): Markdown[] =>
  lines.map((line) => plainLine(line)).flatMap((line) => (line === "" ? [] : [`- ${line}`]));

/** What the runner does beside the work. */
const phaseWords = new Map([
  ["fetch", "fetching the commit"],
  ["checkout", "checking the files out"],
  ["work", "at work"],
  ["collect", "collecting the changed files"],
  ["push", "handing the result over"],
]);

function last({ lastAt, doing, phase }: Heard, now: number): Markdown {
  const what = plainLine(doing.at(-1) ?? phaseWords.get(phase) ?? "");
  return `Last heard ${elapsed(now - lastAt)} ago${what === "" ? "" : `: ${what}`}`;
}
