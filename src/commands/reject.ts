import { z } from "zod";
import { approverRole } from "../core/approval-words.ts";
import { Refusal } from "../core/refusal.ts";
import { rejectTask } from "../records/decide-approval.ts";
import { command } from "./command.ts";
import { named, standing, theTask } from "./which-task.ts";

export const reject = command({
  name: "reject",
  usage: "reject [task] [reason…]",
  summary: "Refuse a task that waits for somebody's word; whoever asked reads the reason.",
  needs: approverRole,
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "words", most: 60 },
  examples: ["reject", "reject t_7k2m41qz ask for a smaller GPU first"],
  input: z.strictObject({
    words: z
      .string()
      .max(1000)
      .describe("Id of the task, without which the newest one here is meant, and why")
      .optional(),
  }),
  async run({ words }, ask) {
    // What is no id begins the reason.
    const [, id, reason = ""] = /^(t_\S*)?\s*(.*)$/s.exec(words?.trim() ?? "") ?? [];
    const task = await theTask({ task: id }, ask);
    const { actor: by } = ask.asker;
    const decided = await rejectTask(ask.store, { task: task.id, by, reason, now: ask.now, op: ask.op });
    if (decided === "done")
      return `${named(task)} is refused and does not start. Nothing ${task.attempts === 0 ? "was" : "more is"} charged for it.`;
    throw new Refusal(`${named(task)} does not wait for anybody's word: ${await standing(task, ask)}`);
  },
});
