/**
 * The jobs that the service does by itself at set times. What is due is known from the store alone: any replica does it,
 * one at a time, under a lease that a dead service loses; what was missed while none ran is done once.
 */
import type { Event } from "../core/event.ts";
import type { Instant } from "../core/instant.ts";
import { plainLine } from "../core/markdown.ts";
import type { Notice } from "../core/notice.ts";
import type { Job, JobOutcome } from "../core/ports/jobs.ts";
import { Refusal } from "../core/refusal.ts";
import { dueFrom, triesAtMost, type JobName, type JobRecord } from "../core/schedule.ts";
import { noteRun, type RunNote } from "../records/failures.ts";
import { raise } from "../records/notices.ts";
import { endJob, keepJob, meetJobs, readJobs, takeJob, type Jobs, type JobTurn } from "../records/schedule.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import type { Room } from "./room.ts";

export type SchedulerRoom = Pick<
  Room,
  "store" | "clock" | "ids" | "log" | "holder" | "operator" | "schedule" | "redact"
>;

/** Does the job that is due, if any; called now and then, it asks the store only when something can be. */
export function openScheduler(room: SchedulerRoom): () => Promise<void> {
  const { store, clock, ids, schedule } = room;
  const names = schedule.jobs.map(({ name }) => name);
  let lookAt: Instant | undefined;
  return async () => {
    if (names.length === 0 || (lookAt !== undefined && clock.now() < lookAt)) return;
    let jobs = await readJobs(store, clock.now(), names);
    if (jobs.size < names.length) {
      await meetJobs(store, names, { now: clock.now(), op: ids.unique() });
      jobs = await readJobs(store, clock.now(), names);
    }
    for (;;) {
      if (dueOf(schedule.jobs, jobs, clock.now()) === undefined) break;
      const ask = { holder: room.holder, ttlMs: leaseMs, now: clock.now(), op: ids.unique() };
      const choose = (found: Jobs) => dueOf(schedule.jobs, found, clock.now())?.name;
      const turn = await takeJob(store, ask, { names, choose });
      // Another service does one of them. When it is done, or has died, there is nothing that tells.
      if (turn === undefined) return;
      await doJob(room, turn);
      jobs = await readJobs(store, clock.now(), names);
    }
    lookAt = firstOf(schedule.jobs, jobs);
  };
}

const dueOf = (all: readonly Job[], jobs: Jobs, now: Instant): Job | undefined =>
  all.find(({ name, times }) => {
    const record = jobs.get(name);
    return record !== undefined && (dueFrom(times, record.value) ?? Infinity) <= now;
  });

/** When the next one is due. */
function firstOf(all: readonly Job[], jobs: Jobs): Instant | undefined {
  const times = all.flatMap((job) => {
    const record = jobs.get(job.name);
    const at = record && dueFrom(job.times, record.value);
    return at === undefined ? [] : [at];
  });
  return times.toSorted((one, other) => one - other)[0];
}

async function doJob(room: SchedulerRoom, turn: JobTurn): Promise<void> {
  const { store, clock, ids, log, schedule } = room;
  const job = schedule.jobs.find(({ name }) => name === turn.name);
  if (job === undefined) throw new Error(`There is no job ${turn.name}.`);
  const stop = keepLease(room, turn.lease);
  try {
    const startedAt = clock.now();
    const tries = (turn.record.value.running?.tries ?? 0) + 1;
    const begun = await keepJob(store, turn, {
      next: { ...turn.record.value, handledTo: startedAt, running: { startedAt, tries } },
      events: [eventOf(job.name, { at: startedAt, level: "info", type: "job_started", message: "started" })],
      now: startedAt,
      op: ids.unique(),
    });
    if (begun === undefined) return;
    const went = tries > triesAtMost ? brokenOff : await run(room, job);
    const endedAt = clock.now();
    const outcome = { ...went, words: room.redact(went.words) };
    await tell(room, { job: job.name, outcome, startedAt, endedAt });
    const { words } = outcome;
    const next: JobRecord = { handledTo: startedAt, last: { startedAt, endedAt, outcome: outcome.outcome, words } };
    const level = outcome.outcome === "passed" ? "info" : "error";
    const event = eventOf(job.name, { at: endedAt, level, type: "job_ended", message: words });
    await endJob(store, begun, { next, events: [event], now: endedAt, op: ids.unique() });
    log[level]({ job: job.name, outcome: outcome.outcome, durationMs: endedAt - startedAt }, "job");
  } finally {
    stop();
  }
}

const eventOf = (job: JobName, event: Omit<Event, "details">): Event => ({
  ...event,
  message: `${job}: ${event.message}`,
  details: { job },
});

const brokenOff: JobOutcome = {
  outcome: "failure",
  words: `the service ended ${triesAtMost} times while it was at it`,
  failing: [],
  log: "",
};

/** What goes wrong in it is its outcome. */
async function run(room: SchedulerRoom, job: Job): Promise<JobOutcome> {
  try {
    return await job.run();
  } catch (error) {
    if (error instanceof Refusal) return { outcome: "failure", words: error.message, failing: [], log: "" };
    const trace = room.ids.trace();
    room.log.error({ job: job.name, trace, err: error }, "a job broke");
    return { outcome: "failure", words: `something broke on our side (trace ${trace})`, failing: [], log: "" };
  }
}

interface Ended {
  readonly job: JobName;
  readonly outcome: JobOutcome;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
}

/** Before its end is written down, so that no death keeps the news back; repeated, they are the same. */
async function tell(room: SchedulerRoom, ended: Ended): Promise<void> {
  const { store, ids } = room;
  const { repository } = room.schedule;
  const { job, outcome, startedAt, endedAt } = ended;
  if (repository !== undefined) {
    const { failing, level } = outcome;
    const log = outcome.log === "" ? outcome.words : outcome.log;
    const note: RunNote = {
      repository,
      workflow: job,
      outcome: outcome.outcome,
      startedAt,
      endedAt,
      trigger: "schedule",
      failing,
      log,
      level,
    };
    await noteRun(store, note, { ids, now: endedAt, redact: room.redact });
  } else if (outcome.outcome === "failure") {
    const to = room.operator.channels.length > 0 ? "channels" : "nobody";
    await raise(store, noticeOf(ended), { to, now: endedAt, op: ids.unique() });
  }
}

const noticeOf = ({ job, outcome: { words }, startedAt, endedAt }: Ended): Notice => ({
  key: `schedule/${job}/${startedAt}`,
  kind: "schedule",
  at: endedAt,
  title: `Scheduled ${job} failed: ${words}`,
  text: `The scheduled **${job}** failed: ${plainLine(words)}`,
  facts: { job, startedAt, endedAt },
});
