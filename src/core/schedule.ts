/** Jobs that the service does for its operator at set times: when one is due, and how it went. */
import { Cron } from "croner";
import { z } from "zod";
import { Instant } from "./instant.ts";

export const JobName = z.enum(["image-rebuild", "e2e"]);
export type JobName = z.output<typeof JobName>;

/** Five fields of cron, read in a time zone such as `Europe/Berlin`. */
export interface Times {
  readonly cron: string;
  readonly timeZone: string;
}

/** Undefined where it never comes. Throws where that is no line of cron. */
export function nextTime({ cron, timeZone }: Times, after: Instant): Instant | undefined {
  const next = new Cron(cron, { timezone: timeZone, mode: "5-part", paused: true }).nextRun(new Date(after));
  return next === null ? undefined : Instant.parse(next.getTime());
}

/** Five fields that come true some day. */
export function isCron(text: string): boolean {
  try {
    return nextTime({ cron: text, timeZone: "UTC" }, Instant.parse(0)) !== undefined;
  } catch {
    return false;
  }
}

export function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

export const JobRecord = z.object({
  /** What was due up to then is done with. */
  handledTo: Instant,
  /** There while it runs, or until it is noticed that its service died. */
  running: z.object({ startedAt: Instant, tries: z.int().min(1) }).optional(),
  last: z
    .object({
      startedAt: Instant,
      endedAt: Instant,
      outcome: z.enum(["passed", "failure"]),
      /** One line of plain text, untrusted. */
      words: z.string(),
    })
    .optional(),
});
export type JobRecord = z.output<typeof JobRecord>;

/** Each death of a service costs one; a job that brings the service down is not started for ever. */
export const triesAtMost = 3;

/** However many times were missed while no service ran: it is due once, from the first of them on. */
export const dueFrom = (times: Times, { handledTo, running }: JobRecord): Instant | undefined =>
  running?.startedAt ?? nextTime(times, handledTo);
