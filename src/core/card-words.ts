/** Which GPU was asked for at what price, and which one came: the same words before and after it did, in plain text. */
import { cardsText, isAsAsked, type RanOn } from "./cards.ts";
import { dollars, noMoney } from "./money.ts";
import type { TaskView } from "./ports/forge.ts";
import type { Task } from "./task.ts";

const isBeforeWork = ({ state }: Task): boolean => state === "queued" || state === "waiting" || state === "starting";

/** Undefined where none was asked for. */
export function gpuWords({ task, attempt, microUsdPerHour }: TaskView): string | undefined {
  const { gpu } = task.spec.resources;
  if (gpu === undefined) return undefined;
  // While a task waits for its next attempt, the one before says nothing of it.
  const current = attempt?.endedAt !== undefined && isBeforeWork(task) ? undefined : attempt;
  if (current?.ranOn !== undefined) return ranOnWords(current.ranOn);
  const perHour = current?.microUsdPerHour ?? microUsdPerHour ?? noMoney;
  const price = perHour === 0 ? "" : `; its sandbox costs ${dollars(perHour)} an hour`;
  return `GPU ${gpu.replaceAll(",", " or ")} asked for${price}`;
}

/** `GPU A100 asked for, ran on NVIDIA A100-SXM4-40GB (40 GB) at $2.10 an hour`. */
export function ranOnWords(ranOn: RanOn): string {
  const { asked, cards, microUsdPerHour } = ranOn;
  const price = cards.length === 0 ? "" : ` at ${dollars(microUsdPerHour)} an hour`;
  const but = isAsAsked(ranOn) ? "" : ": not what was asked for";
  return `GPU ${asked} asked for, ran on ${cardsText(cards)}${price}${but}`;
}
