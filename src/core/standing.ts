/** One table: state of a task → word of the production guide → status and conclusion of a check run. */
import type { Task, TaskState } from "./task.ts";

export type CheckStatus = "queued" | "in_progress" | "completed";
export type CheckConclusion = "success" | "failure" | "neutral" | "cancelled" | "timed_out";

interface Standing {
  /** The guide's word (guide §2 States: pending, running, completed, failed). */
  readonly guide: "pending" | "running" | "completed" | "failed";
  readonly check: CheckStatus;
  readonly conclusion?: CheckConclusion;
}

export const standings: Readonly<Record<TaskState, Standing>> = {
  held: { guide: "pending", check: "queued" },
  queued: { guide: "pending", check: "queued" },
  waiting: { guide: "pending", check: "queued" },
  starting: { guide: "running", check: "in_progress" },
  running: { guide: "running", check: "in_progress" },
  publishing: { guide: "running", check: "in_progress" },
  succeeded: { guide: "completed", check: "completed", conclusion: "success" },
  failed: { guide: "failed", check: "completed", conclusion: "failure" },
  cancelled: { guide: "failed", check: "completed", conclusion: "cancelled" },
  "timed-out": { guide: "failed", check: "completed", conclusion: "timed_out" },
  "over-budget": { guide: "failed", check: "completed", conclusion: "failure" },
};

/** The conclusion of a task's check run; a fault of ours and an empty result never block a merge. */
export function conclusionOf(task: Task): CheckConclusion | undefined {
  if (task.state === "failed" && task.finding.trace !== undefined) return "neutral";
  if (task.state === "succeeded" && task.spec.work.kind === "agent" && task.finding.changedFiles === 0)
    return "neutral";
  return standings[task.state].conclusion;
}
