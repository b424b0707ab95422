/** A result that was kept because it could not be published goes to be published once more. */
import { publishingAgain } from "../core/moves.ts";
import type { Store } from "../core/ports/store.ts";
import { takeUp, type TakeUpAsk } from "./take-up.ts";

export async function publishAgain(store: Store, ask: TakeUpAsk): Promise<"publishing" | "live" | "nothing"> {
  const message = `${ask.by.login} asked to publish the result again`;
  const taken = await takeUp(store, ask, async (task) => {
    const to = publishingAgain(task, ask.now);
    return to === undefined ? undefined : { to, type: "task_publishing_again", message };
  });
  return taken === "done" ? "publishing" : taken;
}
