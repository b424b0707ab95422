/** Retrying: an ended task goes back to the queue and starts again from the base it had. */
import type { MicroUsd } from "../core/money.ts";
import { retried } from "../core/moves.ts";
import type { Store } from "../core/ports/store.ts";
import { taskMoney } from "./spending.ts";
import { takeUp, type TakeUpAsk } from "./take-up.ts";

export async function retryTask(
  store: Store,
  ask: TakeUpAsk & { budget?: MicroUsd | undefined },
): Promise<"queued" | "live"> {
  const { by, budget, now } = ask;
  const taken = await takeUp(store, ask, async (task) => {
    const { spent } = await taskMoney(store, now, task.id);
    return {
      to: retried(task, { by, spent, budget, now }),
      type: "task_retried",
      message: `${by.login} asked to try again`,
    };
  });
  return taken === "done" ? "queued" : "live";
}
