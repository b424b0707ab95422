/**
 * Pushes the journal to the gateway and goes by its acknowledgements. A service that is away is tried again for as
 * long as the sandbox lives; an acknowledgement that stands still is backed off from, not pushed at.
 */
import { bounds } from "../core/protocol.ts";
import { ask, mayPass, type Reach } from "./gateway.ts";
import type { Journal } from "./journal.ts";
import { get, parse } from "./json.ts";
import { backoffMs } from "./timing.ts";

export type Pusher = {
  /** One push, if there is something; resolves to the pause before the next, in milliseconds. */
  step(): Promise<number>;
  /** Steps until `closing` is aborted and everything has been acknowledged, or the attempt is over; one more event must follow the abort. */
  run(closing: AbortSignal): Promise<void>;
};

const firstPaceMs = 100;
const lastPaceMs = 1000;
const paceGrowth = 1.2;
const pushBytes = 1024 * 1024;

export function openPusher(journal: Journal, reach: Reach): Pusher {
  const over = reach.over.signal;
  let paceMs = firstPaceMs;
  let failures = 0;
  let limit: number = bounds.eventsPerPush;

  const fail = (): number => {
    failures += 1;
    return backoffMs(failures);
  };

  const step = async (): Promise<number> => {
    const batch = journal.batch({ events: limit, bytes: pushBytes });
    if (batch.length === 0) return 0;
    const answer = await ask(reach, "POST", "/gateway/events", `{"events":[${batch.join(",")}]}`);
    if (mayPass(answer) || over.aborted) return fail();
    if (answer.status >= 300) {
      // One event that the service will not take must not hold up the others for ever: find it, replace it.
      if (batch.length === 1) journal.replaceFirst(answer.text);
      limit = 1;
      return fail();
    }
    limit = bounds.eventsPerPush;
    const last = get(parse(answer.text), "last");
    const before = journal.acknowledged;
    if (typeof last === "number") journal.acknowledge(last);
    if (journal.acknowledged <= before) return fail();
    failures = 0;
    const pauseMs = paceMs;
    paceMs = Math.min(lastPaceMs, paceMs * paceGrowth);
    return pauseMs;
  };

  const run = async (closing: AbortSignal): Promise<void> => {
    while (!over.aborted && !(closing.aborted && journal.empty)) {
      await journal.arrived();
      const pauseMs = await step();
      await reach.timing.sleep(pauseMs, failures > 0 ? over : closing);
    }
  };

  return { step, run };
}
