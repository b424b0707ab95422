/** How `parhelia schedule` is written, and what it shows: when each job is due next, and how it went last. */
import type { Instant } from "../core/instant.ts";
import { visible } from "../core/markdown.ts";
import { dueFrom, nextTime, type JobName, type JobRecord, type Times } from "../core/schedule.ts";
import { onlyJson, type OnlyJson } from "./only-json.ts";

/** The words behind `parhelia schedule`. */
export const scheduleWords = (words: readonly string[]): OnlyJson<"show"> => onlyJson("schedule", words, "show");

export interface Planned {
  readonly name: JobName;
  readonly times: Times;
  /** Undefined until a service has met it. */
  readonly record: JobRecord | undefined;
}

const none =
  'Nothing is scheduled. Set it in .parhelia/config.toml, below [schedule]: image_rebuild = "0 6 * * 0" or e2e = "0 4 * * *"';

export function scheduleShown(all: readonly Planned[], now: Instant, as: "words" | "json"): string {
  if (as === "json") return JSON.stringify({ jobs: all.map((each) => forProgram(each, now)) }, null, 2);
  return all.length === 0 ? none : all.map((each) => lines(each, now).join("\n")).join("\n\n");
}

/** When it comes next, or came and is not begun; undefined where it never comes. */
const due = ({ times, record }: Planned, now: Instant): Instant | undefined =>
  record === undefined ? nextTime(times, now) : dueFrom(times, { handledTo: record.handledTo });

const iso = (at: Instant): string => new Date(at).toISOString();

function forProgram(job: Planned, now: Instant): object {
  const { running, last } = job.record ?? {};
  const next = due(job, now);
  return {
    name: job.name,
    cron: job.times.cron,
    time_zone: job.times.timeZone,
    next: next === undefined ? null : iso(next),
    running: running === undefined ? null : { since: iso(running.startedAt), attempt: running.tries },
    last:
      last === undefined
        ? null
        : { started_at: iso(last.startedAt), ended_at: iso(last.endedAt), outcome: last.outcome, words: last.words },
  };
}

function lines(job: Planned, now: Instant): string[] {
  const { timeZone, cron } = job.times;
  const local = (at: Instant): string => timeIn(timeZone, at);
  const { running, last } = job.record ?? {};
  const next = due(job, now);
  return [
    `${job.name}  ${cron}, ${timeZone}`,
    ...(running === undefined ? [] : [`  running  since ${local(running.startedAt)}, attempt ${running.tries}`]),
    next !== undefined && next <= now
      ? `  due      since ${local(next)}: done once, by the next service that runs`
      : `  next     ${next === undefined ? "never" : local(next)}`,
    last === undefined
      ? "  last     not yet"
      : `  last     ${last.outcome === "passed" ? "passed" : "failed"} ${local(last.startedAt)}: ${visible(last.words)}`,
  ];
}

/** `Sun 2026-12-06 06:00 GMT+1`, as the clocks there show it. */
function timeIn(timeZone: string, at: Instant): string {
  const how = { weekday: "short", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit" } as const;
  const format = new Intl.DateTimeFormat("en-GB", {
    ...how,
    minute: "2-digit",
    hourCycle: "h23",
    timeZone,
    timeZoneName: "short",
  });
  const part = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const of = (name: Intl.DateTimeFormatPartTypes): string => part.get(name) ?? "";
  return `${of("weekday")} ${of("year")}-${of("month")}-${of("day")} ${of("hour")}:${of("minute")} ${of("timeZoneName")}`;
}
