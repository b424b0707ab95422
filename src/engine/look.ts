/** What a step is given, and what it gives back to be written. */
import type { Attempt } from "../core/attempt.ts";
import type { Event, Level } from "../core/event.ts";
import type { Instant } from "../core/instant.ts";
import type { Facts } from "../core/next-step.ts";
import type { FailedCondition } from "../core/ports/store.ts";
import { attemptIn, type Task } from "../core/task.ts";
import type { Move, Turn } from "../records/turn.ts";

/** A move that may be refused by a counter's bound, and what to write instead then. */
export interface Done extends Omit<Move, "now" | "op"> {
  readonly otherwise?: (failed: readonly FailedCondition[]) => Omit<Move, "now" | "op">;
}

/** What a step is given. `now` is the instant of the look; what takes long asks the clock again. */
export interface Look {
  readonly turn: Turn;
  readonly task: Task;
  readonly facts: Facts;
  readonly now: Instant;
}

/** The attempt that a step is about; there is one in every state that takes such a step. */
export function attemptOf({ task, facts }: Look): Attempt {
  if (facts.attempt === undefined) throw new Error(`The attempt of ${task.id} is not in the store.`);
  return facts.attempt;
}

export function eventOf(look: Look, level: Level, type: string, message: string): Event {
  const { task, now } = look;
  const attempt = attemptIn(task);
  return { at: now, level, type, task: task.id, ...(attempt === undefined ? {} : { attempt }), message };
}
