import { decideWords, wantsWord } from "../core/approval-words.ts";
import { gpuWords } from "../core/card-words.ts";
import { repositoryKey, isEnded, type EndedTask, type Task } from "../core/task.ts";
import { inlineCode, plainLine, type Markdown } from "../core/markdown.ts";
import { readView } from "../records/read-view.ts";
import { command, typed, type Ask, type Asker } from "./command.ts";
import { named, standsAt, theTask, whichTask } from "./which-task.ts";

export const status = command({
  name: "status",
  usage: "status [task]",
  summary: "Say how a task stands: the newest one here, or the one with this id.",
  needs: "read",
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "task" },
  examples: ["status", "status t_7k2m41qz"],
  json: true,
  input: whichTask,
  async run(which, ask) {
    const task = await theTask(which, ask);
    const data = await readView(ask.store, ask.now, task);
    const gpu = gpuWords(data);
    const on = gpu === undefined ? "" : `\n\n${plainLine(gpu)}`;
    return {
      words: `**${standsAt(data)}**\n\nTask ${named(task)}${where(task, ask)}${on}\n\n${next(task, ask)}`,
      data,
    };
  },
});

/** A link where the task's report is on another page than the question. */
function where(task: Task, { asker }: Ask): Markdown {
  const { place, comment } = task.origin;
  if (place.kind !== "issue" || comment === undefined || repositoryKey(place) !== repositoryKey(asker.place)) return "";
  const elsewhere = asker.place.kind !== "issue" || asker.place.number !== place.number;
  return elsewhere ? `, [asked here](${comment.url})` : "";
}

const next = (task: Task, { asker }: Ask): Markdown =>
  !isEnded(task)
    ? `${wantsWord(task) ? `${decideWords(task)} · ` : ""}Stop it: ${inlineCode(typed(asker.place, `cancel ${task.id}`))}`
    : `${kept(task, asker)}Start it again: ${inlineCode(typed(asker.place, `retry ${task.id}`))}`;

const kept = ({ id, unpublished }: EndedTask, { place }: Asker): Markdown =>
  unpublished === undefined ? "" : `Publish its kept result: ${inlineCode(typed(place, `publish ${id}`))}\n\n`;
