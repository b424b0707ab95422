/** Bringing the issue of a failing workflow up to date, a step at a time, under a lease: two replicas make one issue. */
import { Busy } from "../core/busy.ts";
import type { Event } from "../core/event.ts";
import { standingOf, type Workflow } from "../core/failures.ts";
import { after, dayMs, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import type { FailuresDone } from "../core/ports/workflows.ts";
import { endFailures, takeFailures, type Failures, type FailuresShown } from "../records/failures.ts";
import { renewLease } from "../records/lease.ts";
import type { Dues } from "./dues.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import type { Room } from "./room.ts";

/** Longer than a call to GitHub may take: whoever comes next finds what was made. */
const claimMs = 40 * secondMs;
/** GitHub may be away for hours. */
const triedForMs = dayMs;
const longestDelayMs = 10 * minuteMs;

export async function showFailures(room: Room, id: string, dues: Dues): Promise<boolean> {
  const { store, clock, ids, holder, workflows, redact } = room;
  if (workflows === undefined) return false;
  const now = clock.now();
  const turn = await takeFailures(store, { id, holder, ttlMs: leaseMs, now, op: ids.unique() });
  if (turn === undefined) return false;
  const failures = turn.failures.value;
  const unit = { workflow: id, tries: failures.tries };
  const end = async (shown: FailuresShown): Promise<void> =>
    dues.found(await endFailures(store, turn, { shown, now: clock.now(), ids, due: dues.ask() }));
  const stop = keepLease(room, turn.lease);
  try {
    const { workflow, runs, issue, tries } = failures;
    const claim = async (): Promise<void> => {
      const ask = { ttlMs: claimMs, now: clock.now(), op: ids.unique() };
      if (!(await renewLease(store, turn.lease, ask))) throw new Error("another engine brings this up to date");
    };
    const done = await workflows.show({ workflow, runs, issue, tries, redact, claim });
    await end(shownBy(failures, done, clock.now()));
    const outcome = { ...unit, did: done.did, because: done.because, durationMs: clock.now() - now };
    if (done.did === "refuse") room.log.warn(outcome, "a failure has no issue");
    else room.log.info(outcome, "failures");
  } catch (error) {
    const again = nextTry(failures, error, clock.now());
    if (!(error instanceof Busy)) room.log.error({ ...unit, again: again?.at, err: error }, "an issue failed");
    const because = "GitHub gave no answer for a day.";
    const given: FailuresDone = { did: "refuse", issue: failures.issue, because };
    await end(
      again === undefined
        ? shownBy(failures, given, clock.now())
        : { issue: failures.issue, refused: undefined, tries: again.tries, again: again.at, events: [] },
    );
  } finally {
    stop();
  }
  return true;
}

const isOver = ({ did }: FailuresDone): boolean => did === "nothing" || did === "refuse";

function shownBy({ workflow, runs }: Failures, done: FailuresDone, now: Instant): FailuresShown {
  const newest = standingOf(runs).failed.at(-1);
  const words = done.because ?? "";
  return {
    issue: done.issue,
    refused: done.did === "refuse" ? words : undefined,
    tries: 0,
    // One step at a time; the next look finds whether there is another.
    again: isOver(done) ? undefined : now,
    events: done.did === "refuse" ? [refusedEvent(workflow, { at: now, words, run: newest?.number })] : [],
  };
}

/** The operator's to know: the repository's people see nothing. */
const refusedEvent = (workflow: Workflow, of: { at: Instant; words: string; run: number | undefined }): Event => ({
  at: of.at,
  level: "warning",
  type: "failure_not_shown",
  message: `${placeOf(workflow)} fails and has no issue that could be brought up to date: ${of.words}`,
  details: { workflow: placeOf(workflow), ...(of.run === undefined ? {} : { run: of.run }) },
});

const placeOf = (workflow: Workflow): string =>
  workflow.kind === "service"
    ? `${workflow.job} of ${workflow.repository}`
    : `${workflow.file} of ${workflow.repository.owner}/${workflow.repository.name}`;

function nextTry(
  { heardAt, tries }: Failures,
  error: unknown,
  now: Instant,
): { at: Instant; tries: number } | undefined {
  if (error instanceof Busy) return { at: error.until, tries };
  if (now >= after(heardAt, triedForMs)) return undefined;
  return { at: after(now, Math.min(longestDelayMs, 5 * secondMs * 2 ** tries)), tries: tries + 1 };
}
