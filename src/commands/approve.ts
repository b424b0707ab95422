import { approverRole } from "../core/approval-words.ts";
import { dollars } from "../core/money.ts";
import { Refusal } from "../core/refusal.ts";
import { approveTask } from "../records/decide-approval.ts";
import { command } from "./command.ts";
import { named, standing, theTask, whichTask } from "./which-task.ts";

export const approve = command({
  name: "approve",
  usage: "approve [task]",
  summary: "Agree to what a task may cost that waits for that: it starts.",
  needs: approverRole,
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "task" },
  examples: ["approve", "approve t_7k2m41qz"],
  input: whichTask,
  async run(which, ask) {
    const task = await theTask(which, ask);
    const decided = await approveTask(ask.store, { task: task.id, by: ask.asker.actor, now: ask.now, op: ask.op });
    if (decided === "done")
      return `${named(task)} starts with the next free sandbox, for at most ${dollars(task.spec.budget)}.`;
    throw new Refusal(`${named(task)} does not wait for anybody's word: ${await standing(task, ask)}`);
  },
});
