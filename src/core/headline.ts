/** How a task stands, in one line: the same words in the comment, the check run, the terminal and the page. */
import type { TaskView } from "./ports/forge.ts";
import { dayMs, hourMs, minuteMs, secondMs, type Instant } from "./instant.ts";
import { inlineCode } from "./markdown.ts";
import { dollars } from "./money.ts";
import { asked, isEnded, type EndedTask, type InState, type Task } from "./task.ts";

/** `text` is plain text, not Markdown, and may hold untrusted words: it goes through `plainLine` where Markdown is read. */
export interface Headline {
  readonly mark: string;
  readonly text: string;
}

export function headline(view: TaskView): Headline {
  const { task } = view;
  if (isStopping(task)) return { mark: "⏳", text: parts("Stopping", cost(view)) };
  switch (task.state) {
    case "held":
      return { mark: "⏸️", text: "Held: it was written down and is not started by itself" };
    case "queued":
      return { mark: "🕒", text: "Queued" };
    case "waiting":
      return { mark: "🕒", text: waiting(view, task) };
    case "starting":
      return { mark: "⏳", text: parts("Starting", elapsed(view.now - task.since), cost(view)) };
    case "running":
      return { mark: "⏳", text: parts("Working", time(view, task.startedAt, view.now), cost(view)) };
    case "publishing":
      return { mark: "⏳", text: parts("Publishing the result", time(view, task.startedAt, view.now), cost(view)) };
    case "succeeded":
      return { mark: "✅", text: parts(done(task), took(task), dollars(view.spent)) };
    case "failed":
      return failed(view, task);
    case "cancelled":
      return { mark: "🛑", text: parts(cancelled(task), took(task), dollars(view.spent)) };
    case "timed-out":
      return { mark: "⌛", text: parts("Out of time", time(view, task.startedAt, task.endedAt), dollars(view.spent)) };
    case "over-budget":
      return { mark: "💰", text: parts("Stopped at its ceiling", took(task), cost(view)) };
  }
}

const parts = (...texts: (string | undefined)[]): string => texts.filter((text) => text !== undefined).join(" · ");

const cost = ({ spent, task }: TaskView): string => `${dollars(spent)} of ${dollars(task.ceiling)}`;

/** `4m 12s of 1h`; nothing before the work began. */
const time = ({ task }: TaskView, from: Instant | undefined, to: Instant): string | undefined =>
  from === undefined ? undefined : `${elapsed(to - from)} of ${elapsed(task.spec.timeoutMs)}`;

const took = (task: EndedTask): string | undefined =>
  task.startedAt === undefined ? undefined : elapsed(task.endedAt - task.startedAt);

/** A result that is being published is not stopped any more. */
const isStopping = (task: Task): boolean => task.cancel !== undefined && task.state !== "publishing" && !isEnded(task);

function waiting(view: TaskView, task: InState<"waiting">): string {
  const since = `since ${timeOfDay(task.since)}`;
  const gpu = task.machine?.gpu ?? task.spec.resources.gpu;
  switch (task.for) {
    case "slot":
      if (view.halted !== undefined)
        return parts("New starts are halted by the operator", oneLine(view.halted, 120) || undefined, since);
      return parts("Waiting for a free slot", view.ahead === 0 ? "next in line" : `${view.ahead} ahead`, since);
    case "money":
      return parts("Waiting for money", task.because, since);
    case "capacity":
      return parts(
        `Waiting for ${gpu === undefined ? "a machine" : `GPU ${gpu}`}`,
        task.machine === undefined ? since : `${since}, at most until ${timeOfDay(task.machine.giveUpAt)}`,
        notCharged(view),
      );
    case "approval":
      return parts("Wants approval", task.because, since);
    case "pause":
      return parts("Paused", task.because, since);
  }
}

const notCharged = (view: TaskView): string => (view.spent === 0 ? "nothing is charged yet" : cost(view));

/** `14:02 UTC`. */
export const timeOfDay = (instant: Instant): string => `${new Date(instant).toISOString().slice(11, 16)} UTC`;

function done(task: InState<"succeeded">): string {
  const { published, finding, spec } = task;
  if (published !== undefined) {
    return published.pullRequest === null ? `Done: branch ${published.branch}` : `Done: #${published.pullRequest}`;
  }
  if (spec.work.kind === "command") return `Done: ${inlineCode(title(task))}`;
  return finding.changedFiles === 0 ? "Done: nothing to change" : "Done";
}

function failed(view: TaskView, task: InState<"failed">): Headline {
  const { trace, because } = task.finding;
  const tail = parts(took(task), dollars(view.spent));
  const reason = oneLine(because.replaceAll("**", ""), 120);
  if (isRefused(task)) return { mark: "❌", text: `Not started${reason === "" ? "" : `: ${reason}`}` };
  if (trace !== undefined) return { mark: "⚠️", text: parts(`Something broke on our side (trace ${trace})`, tail) };
  return { mark: "❌", text: parts(`Failed: ${reason}`, tail) };
}

/** The answer was no, before anything was tried: there is only the reason to tell. */
export const isRefused = (task: Task): boolean =>
  task.state === "failed" && task.attempts === 0 && task.finding.trace === undefined;

const cancelled = (task: InState<"cancelled">): string =>
  task.cancel === undefined ? "Cancelled" : `Cancelled by ${task.cancel.by.login}`;

/** What was asked, on one line of at most 72 characters; as untrusted as what was asked. */
export const title = (task: Task): string => oneLine(asked(task.spec.work), 72);

function oneLine(text: string, most: number): string {
  const characters = Array.from(text.replace(/\s+/g, " ").trim());
  return characters.length <= most
    ? characters.join("")
    : `${characters
        .slice(0, most - 1)
        .join("")
        .trimEnd()}…`;
}

/** `1 file`, `3 files`. */
export const count = (number: number, one: string): string => `${number} ${one}${number === 1 ? "" : "s"}`;

/** `12s`, `4m 12s`, `1h 5m`, `2d 3h`: the two largest units, whole seconds; nothing passed where clocks disagree. */
export function elapsed(ms: number): string {
  const units = [
    ["d", dayMs],
    ["h", hourMs],
    ["m", minuteMs],
    ["s", secondMs],
  ] as const;
  const from = units.findIndex(([, unitMs]) => ms >= unitMs);
  if (from === -1) return "0s";
  const shown = units.slice(from, from + 2).map(([unit, unitMs], at) => {
    const above = at === 0 ? Infinity : (units[from]?.[1] ?? Infinity);
    return [Math.floor((ms % above) / unitMs), unit] as const;
  });
  return shown.flatMap(([count, unit], at) => (at > 0 && count === 0 ? [] : [`${count}${unit}`])).join(" ");
}
