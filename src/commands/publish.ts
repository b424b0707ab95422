import { inlineCode } from "../core/markdown.ts";
import { Refusal } from "../core/refusal.ts";
import { publishAgain } from "../records/publish-again.ts";
import { command, typed } from "./command.ts";
import { named, standing, theTask, whichTask } from "./which-task.ts";

export const publish = command({
  name: "publish",
  usage: "publish [task]",
  summary: "Publish a kept result that could not be published, without running anything again.",
  needs: "write",
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "task" },
  examples: ["publish", "publish t_7k2m41qz"],
  input: whichTask,
  async run(which, ask) {
    const task = await theTask(which, ask);
    const answer = await publishAgain(ask.store, { task: task.id, by: ask.asker.actor, now: ask.now, op: ask.op });
    switch (answer) {
      case "publishing":
        return `Publishing the kept result of ${named(task)}.`;
      case "live":
        return `${named(task)} has not ended: ${await standing(await theTask({ task: task.id }, ask), ask)}`;
      case "nothing": {
        const again = inlineCode(typed(ask.asker.place, `retry ${task.id}`));
        throw new Refusal(`${named(task)} keeps no result to publish. To start it again: ${again}`);
      }
    }
  },
});
