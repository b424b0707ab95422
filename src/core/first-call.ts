/** What an agent's first call to its model may cost. It is held with the sandbox, so that none starts that could not say a word. */
import type { MicroUsd } from "./money.ts";
import { worstCase } from "./pricing.ts";
import type { Task } from "./task.ts";

/** What Claude Code sends before it has read anything: its instructions, its tools and the task. */
const promptTokens = 20_000;
const answerTokens = 2_000;

/** Nothing for a plain command. An agent that chooses its model itself may choose the dearest. */
export function firstCallPrice({ spec: { work } }: Task): MicroUsd | undefined {
  if (work.kind === "command") return undefined;
  const model = work.model ?? "";
  return worstCase({ model, inputTokens: promptTokens, maxOutputTokens: answerTokens, cacheTtl: "1h" });
}
