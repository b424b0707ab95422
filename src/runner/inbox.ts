/** Listens to the inbox by long polls, so that a cancel reaches the sandbox although nothing can call into it. */
import { ask, type Reach } from "./gateway.ts";
import { get, list, number, parse } from "./json.ts";
import { backoffMs } from "./timing.ts";

/** A gateway that answers "nothing" at once instead of waiting must not be asked in a tight loop. */
const leastPollMs = 1000;

/** Resolves when the attempt is over, and not before. */
export async function watchInbox(reach: Reach, onCancel: () => void): Promise<void> {
  const { timing } = reach;
  const stop = reach.over.signal;
  let after = 0;
  let failures = 0;
  while (!stop.aborted) {
    const askedAt = timing.now();
    const answer = await ask(reach, "GET", `/gateway/inbox?after=${after}`, undefined, stop);
    if (stop.aborted) return;
    if (answer.status !== 200) {
      failures += 1;
      await timing.sleep(backoffMs(failures), stop);
      continue;
    }
    failures = 0;
    const before = after;
    for (const message of list(get(parse(answer.text), "messages"))) {
      const n = number(get(message, "n"));
      if (n <= after) continue;
      after = n;
      // A kind that this runner does not know is skipped.
      if (get(message, "kind") === "cancel") onCancel();
    }
    if (after === before) await timing.sleep(leastPollMs - (timing.now() - askedAt), stop);
  }
}
