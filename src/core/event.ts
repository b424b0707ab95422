/** Events: immutable, numbered facts about a task or the system, each with a level. */
import { z } from "zod";
import { AttemptId, TaskId } from "./ids.ts";
import { Instant } from "./instant.ts";

export const levels = ["debug", "info", "warning", "error"] as const;
export const Level = z.enum(levels);
export type Level = z.output<typeof Level>;

/** A filter's level is a minimum (guide §4.1d; the original matched exactly and lost the errors). */
export const reaches = (level: Level, minimum: Level): boolean => levels.indexOf(level) >= levels.indexOf(minimum);

export const Event = z.object({
  at: Instant,
  level: Level,
  /** What happened, in snake_case: `task_created`, `attempt_ended`, `agent_tool`. */
  type: z.string(),
  task: TaskId.optional(),
  attempt: AttemptId.optional(),
  /** One plain sentence, untrusted where it comes from a sandbox. */
  message: z.string(),
  details: z.record(z.string(), z.json()).optional(),
});
export type Event = z.output<typeof Event>;
