import { dollars } from "../core/money.ts";
import { inlineCode } from "../core/markdown.ts";
import { Refusal } from "../core/refusal.ts";
import { isEnded } from "../core/task.ts";
import { retryTask } from "../records/retry-task.ts";
import { command, typed } from "./command.ts";
import { named, standing, theTask, whichTask } from "./which-task.ts";

export const retry = command({
  name: "retry",
  usage: "retry [task]",
  summary: "Start an ended task again from the commit it began with, with its budget anew.",
  needs: "write",
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "task" },
  examples: ["retry", "retry t_7k2m41qz"],
  input: whichTask,
  async run(which, ask) {
    const task = await theTask(which, ask);
    if (isEnded(task) && task.base === undefined) {
      throw new Refusal(
        `${named(task)} was never started, so there is nothing to start again. Ask for it in a comment of your own.`,
      );
    }
    const answer = await retryTask(ask.store, { task: task.id, by: ask.asker.actor, now: ask.now, op: ask.op });
    switch (answer) {
      case "queued":
        return `Starting ${named(task)} again from the commit it began with, for at most another ${dollars(task.spec.budget)}.`;
      case "live": {
        const cancel = inlineCode(typed(ask.asker.place, `cancel ${task.id}`));
        const now = await standing(await theTask({ task: task.id }, ask), ask);
        return `${named(task)} has not ended, so there is nothing to start again: ${now}\n\nStop it first: ${cancel}`;
      }
    }
  },
});
