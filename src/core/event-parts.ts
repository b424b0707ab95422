/** The parts of the service that events come from, by the names that an operator asks for them with. */
import type { Event } from "./event.ts";

/** Each part by how the names of its events begin; the first that fits. */
const beginnings = {
  publish: ["task_published", "task_not_published", "task_publishing_again"],
  budget: ["budget_", "task_waits_for_money", "cost_disagreement", "alert_raised"],
  intake: ["task_created", "task_cancel_asked", "task_retried", "task_approved", "task_rejected"],
  sandbox: ["sandbox_", "gpu_", "compute_", "next_machine", "task_waits_for_machine"],
  agent: ["agent_", "runner_", "output_cut", "task_idle"],
  images: ["image_"],
  schedule: ["job_"],
  failures: ["failure_"],
  halt: ["halt"],
  engine: ["task_", "attempt_", "fault"],
} as const;

export const eventParts = Object.keys(beginnings);

const entries: readonly (readonly [string, readonly string[]])[] = Object.entries(beginnings);

/** Undefined for one of a later release. */
export const partOf = ({ type }: Pick<Event, "type">): string | undefined =>
  entries.find(([, starts]) => starts.some((start) => type.startsWith(start)))?.[0];
