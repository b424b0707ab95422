import { cancelTask } from "../records/cancel-task.ts";
import { command } from "./command.ts";
import { named, standing, theTask, whichTask } from "./which-task.ts";

export const cancel = command({
  name: "cancel",
  usage: "cancel [task]",
  summary: "Stop a task: the newest one here, or the one with this id.",
  needs: "write",
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "task" },
  examples: ["cancel", "cancel t_7k2m41qz"],
  input: whichTask,
  async run(which, ask) {
    const task = await theTask(which, ask);
    const answer = await cancelTask(ask.store, { task: task.id, by: ask.asker.actor, now: ask.now, op: ask.op });
    switch (answer) {
      case "asked":
        return `Stopping ${named(task)}. What it cost so far stays charged.`;
      case "asked-before":
        return `${named(task)} is being stopped already: ${await standing(task, ask)}`;
      case "too-late":
        return `It is too late to stop ${named(task)}: its result is being published.`;
      case "ended":
        return `There is nothing to stop, ${named(task)} has ended: ${await standing(await theTask({ task: task.id }, ask), ask)}`;
    }
  },
});
