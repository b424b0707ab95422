/** Which task a person means, and what its state reads like. */
import { z } from "zod";
import { TaskId } from "../core/ids.ts";
import { headline, title } from "../core/headline.ts";
import { inlineCode, plainLine, type Markdown } from "../core/markdown.ts";
import type { TaskView } from "../core/ports/forge.ts";
import { Refusal } from "../core/refusal.ts";
import { repositoryKey, repositoryName, type Task } from "../core/task.ts";
import { latestTask } from "../records/latest-task.ts";
import { readTask } from "../records/read-task.ts";
import { readView } from "../records/read-view.ts";
import { typed, type Ask } from "./command.ts";

/** What people type for a task; without it the newest one of the place is meant. */
export const whichTask = z.strictObject({
  task: z.string().max(100).describe("Id of the task; without it, the newest one here").optional(),
});

/** Throws a `Refusal` where there is none. A task of another repository is as unknown as one that never was. */
export async function theTask(which: z.output<typeof whichTask>, ask: Ask): Promise<Task> {
  const { place } = ask.asker;
  const said = which.task ?? (await newestHere(ask));
  if (said === undefined) throw new Refusal(`Nothing was asked for here yet. Start with \`${typed(place, "run …")}\`.`);
  const id = TaskId.safeParse(said);
  const found = id.success ? await readTask(ask.store, ask.now, id.data) : undefined;
  if (found !== undefined && repositoryKey(found.value.origin.place) === repositoryKey(place)) return found.value;
  throw new Refusal(`There is no task ${inlineCode(said)} in ${inlineCode(repositoryName(place))}.`);
}

/** As it was when the command was written; a terminal's is carried out at once. */
async function newestHere({ newest, store, now, asker }: Ask): Promise<TaskId | undefined> {
  if (newest !== undefined) return newest ?? undefined;
  return (await latestTask(store, now, asker.place))?.value.id;
}

/** `⏳ Working · 4m 12s of 1h · $0.42 of $5.00`. */
export const standing = async (task: Task, ask: Ask): Promise<Markdown> =>
  standsAt(await readView(ask.store, ask.now, task));

export function standsAt(view: TaskView): Markdown {
  const { mark, text } = headline(view);
  return `${mark} ${plainLine(text)}`;
}

/** `t_7k2m41qz` and what was asked. */
export const named = (task: Task): Markdown => `${inlineCode(task.id)} (${plainLine(title(task))})`;
