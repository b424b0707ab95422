/** What an ended task has cost, in plain text: the report and the terminal say the same. */
import { count, elapsed } from "./headline.ts";
import { hourMs } from "./instant.ts";
import { disagree, dollars, minus, type MicroUsd } from "./money.ts";
import type { TaskView } from "./ports/forge.ts";

export interface CostWords {
  /** `Cost: model $0.94, sandbox $0.18`. */
  readonly sum: string;
  /** A sentence each. */
  readonly details: readonly string[];
}

export function costWords(view: TaskView): CostWords {
  const { spent, model, task } = view;
  const compute = minus(spent, model);
  return {
    sum: `Cost: model ${dollars(model)}, sandbox ${dollars(compute)}`,
    details: [
      `${dollars(spent)} of its ceiling of ${dollars(task.ceiling)}`,
      ...(model === 0 ? [] : [`Model calls: ${dollars(model)}, as the service metered them${claim(view)}`]),
      ...(compute === 0 ? [] : [`Sandbox: ${dollars(compute)}${time(view, compute)}`]),
    ],
  };
}

/** Of one sandbox, its time follows from its price. */
function time({ task, attempt }: TaskView, compute: MicroUsd): string {
  if (task.attempts > 1) return ` in ${count(task.attempts, "attempt")}`;
  if (attempt === undefined || attempt.microUsdPerHour === 0) return "";
  const ms = Math.round((compute / attempt.microUsdPerHour) * hourMs);
  return `, ${elapsed(ms)} at ${dollars(attempt.microUsdPerHour)} an hour`;
}

/** The agent's own sum is of one attempt, and is told where it is more than a hundredth away from ours. */
function claim({ task, heard, model }: TaskView): string {
  const claimed = heard?.claimed;
  if (claimed === undefined || task.attempts > 1) return "";
  if (!disagree(claimed, model)) return "";
  return `; the agent says ${dollars(claimed)}`;
}
