/**
 * Work tells what is due after it: the commit that ends a piece of work asks along, so that nobody has to look. Those of
 * one turn of the event loop are one call, and one of them asks for all.
 */
import type { Clock } from "../core/ports/clock.ts";
import { dueQueries, type Due, type DueAsk, type DueLimits } from "../records/due.ts";

export interface Dues {
  /** For a commit that is made in this turn of the event loop. */
  ask(): DueAsk;
  /** What came back, if it was asked. */
  found(due: Due | undefined): void;
}

export function openDueAsk(clock: Clock, limits: () => DueLimits): Dues["ask"] {
  let isAsked = false;
  return () => {
    const { limit, maxSandboxes } = limits();
    if (isAsked) return { queries: [], maxSandboxes };
    isAsked = true;
    setImmediate(() => {
      isAsked = false;
    });
    return { queries: dueQueries(clock.now(), limit), maxSandboxes };
  };
}
