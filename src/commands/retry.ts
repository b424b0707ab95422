import { dollars } from "../core/money.ts";
import { goesOnFrom } from "../core/moves.ts";
import { inlineCode, type Markdown } from "../core/markdown.ts";
import { Budget } from "../core/quantities.ts";
import { Refusal } from "../core/refusal.ts";
import { isEnded, type Task } from "../core/task.ts";
import { retryTask } from "../records/retry-task.ts";
import { command, typed } from "./command.ts";
import { named, standing, theTask, whichTask } from "./which-task.ts";

const again = (task: Task): Markdown => `Starting ${named(task)} again from the commit it began with`;

export const retry = command({
  name: "retry",
  usage: "retry [task] [--budget <dollars>]",
  summary:
    "Start an ended task again from the commit it began with, with its budget anew. One that its ceiling stopped goes on from what it kept when you give it a budget.",
  needs: "write",
  surfaces: ["comment", "terminal", "mcp"],
  options: [{ name: "budget", key: "budget", value: "<dollars>", summary: "what this run may cost, such as `$8`" }],
  positional: { kind: "word", key: "task" },
  examples: ["retry", "retry t_7k2m41qz", "retry --budget $8"],
  input: whichTask.extend({ budget: Budget.optional() }),
  async run({ budget, ...which }, ask) {
    const task = await theTask(which, ask);
    if (isEnded(task) && task.base === undefined) {
      throw new Refusal(
        `${named(task)} was never started, so there is nothing to start again. Ask for it in a comment of your own.`,
      );
    }
    const from = isEnded(task) && budget !== undefined ? goesOnFrom(task) : undefined;
    const by = ask.asker.actor;
    const answer = await retryTask(ask.store, { task: task.id, by, budget, now: ask.now, op: ask.op });
    switch (answer) {
      case "queued":
        return `${from === undefined ? again(task) : `Going on with ${named(task)} from what it kept on ${inlineCode(from.ref)}`}, for at most another ${dollars(budget ?? task.spec.budget)}.`;
      case "live": {
        const cancel = inlineCode(typed(ask.asker.place, `cancel ${task.id}`));
        const now = await standing(await theTask({ task: task.id }, ask), ask);
        return `${named(task)} has not ended, so there is nothing to start again: ${now}\n\nStop it first: ${cancel}`;
      }
    }
  },
});
