/**
 * Commits of other processes are noticed by a number that SQLite changes with each of them, and told as any topic, for it
 * does not say what they were.
 */
import { anyTopic, type Tell } from "../wake.ts";

/** `dataVersion` gives the present number and is asked every `pollMs`; 0 turns it off. The timer keeps no process alive. */
export const poll =
  ({ pollMs, dataVersion }: { pollMs: number; dataVersion: () => number }) =>
  (tell: Tell): (() => void) => {
    if (pollMs === 0) return () => undefined;
    let known: number | undefined = dataVersion();
    const timer = setInterval(() => {
      const present = unlessFault(dataVersion);
      if (present === undefined || present !== known) tell([anyTopic], "elsewhere");
      known = present;
    }, pollMs).unref();
    return () => clearInterval(timer);
  };

function unlessFault(dataVersion: () => number): number | undefined {
  try {
    return dataVersion();
  } catch {
    // Thrown in a timer it would end the process. Whoever is told looks, and meets the fault where it is reported.
    return undefined;
  }
}
