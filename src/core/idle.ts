/**
 * An agent that lives and tells of no work hangs, and costs money. It is told to stop, so that what it had changed is handed
 * over; a sandbox that does not even do that is ended.
 */
import type { Heard } from "./attempt.ts";
import { after, minuteMs, type Instant } from "./instant.ts";
import type { Finding, InState, Task } from "./task.ts";

/** Without a word of work. */
const idleMs = 30 * minuteMs;
/** From the word to stop until the sandbox is ended: time to collect and hand over what was changed. */
const handOverMs = 5 * minuteMs;

export const idleWords = `its agent did nothing for ${idleMs / minuteMs} minutes`;

/** Told to stop, it handed nothing over. */
export const nothingHandedOver = (): Finding => ({
  verdict: "timed-out",
  because: idleWords,
  summary: "",
  tail: "",
  changedFiles: 0,
  left: [`It was stopped because ${idleWords}; what it had changed by then could not be had.`],
});

export type Idleness =
  /** When it may be so. */
  | { readonly is: "busy"; readonly lookAt: Instant }
  | { readonly is: "idle" }
  | { readonly is: "told"; readonly until: Instant };

/**
 * Measured between two words of the sandbox, so that a service that was away takes no work for idleness. Undefined for a plain
 * command, which may be silent while it works: its time limit alone bounds it.
 */
export function idleness(task: InState<"running">, heard: Heard | undefined): Idleness | undefined {
  if (task.idleAt !== undefined) return { is: "told", until: after(task.idleAt, handOverMs) };
  if (task.spec.work.kind !== "agent" || heard?.busyAt === undefined) return undefined;
  if (heard.lastAt - heard.busyAt >= idleMs) return { is: "idle" };
  // A heartbeat later, so that one was heard since.
  return { is: "busy", lookAt: after(heard.busyAt, idleMs + minuteMs) };
}

export const wasIdle = (task: Task): boolean => task.state === "running" && task.idleAt !== undefined;
