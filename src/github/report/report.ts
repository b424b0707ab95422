/**
 * Brings what GitHub shows of a task up to date: one comment, and check runs where there is a commit of its own or of its
 * pull request. It fails no task: what GitHub puts off is asked for again later, with newer words.
 */
import { after, earliest, minuteMs, secondMs, type Instant } from "../../core/instant.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import type { ReportPlace, ReportResult, TaskView } from "../../core/ports/forge.ts";
import { isEnded } from "../../core/task.ts";
import type { Clients } from "../client.ts";
import { Busy } from "../../core/busy.ts";
import { failureOf, isLost } from "../failure.ts";
import { latestOnly } from "./latest.ts";
import { placeOf, taskMarker } from "../place.ts";
import { checkedCommits, putCheck } from "./checks.ts";
import { putComment, type Spot } from "./comment.ts";
import { checkWords, reportComment, taskUrl, type Elsewhere } from "./words.ts";

export type ReportOptions = {
  readonly clients: Clients;
  readonly appId: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly elsewhere: Elsewhere;
};
export type Report = (view: TaskView, place: ReportPlace) => Promise<ReportResult>;

const firstDelayMs = 5 * secondMs;
const mostDelayMs = 5 * minuteMs;

/** What this process remembers of a task's report; losing it costs one write of the same words. */
type Memory = { readonly shown: Map<string, string>; readonly refusedChecks: Set<string>; losses: number };

export function openReport(options: ReportOptions): Report {
  const { clients, appId, clock, log, elsewhere } = options;
  const memories = new Map<string, Memory>();

  const run = async ({ view, place }: { view: TaskView; place: ReportPlace }): Promise<ReportResult> => {
    const { task } = view;
    const memory = memories.get(task.id) ?? { shown: new Map(), refusedChecks: new Set(), losses: 0 };
    memories.set(task.id, memory);
    const on = placeOf(task);
    const spot: Spot = { ...clients.of(on.installation), place: on, appId };
    let at = place;
    let until: Instant | undefined;

    /** One part of the report; the others go on without it. */
    const attempt = async (part: () => Promise<ReportPlace>): Promise<void> => {
      try {
        at = await part();
      } catch (error) {
        const putOff = later(error, clock, memory);
        until = until === undefined ? putOff : earliest(until, putOff);
      }
    };
    await attempt(() => {
      const body = reportComment(view, elsewhere);
      return putComment(spot, at, { marker: taskMarker(task.id), body, sinceMs: task.createdAt, shown: memory.shown });
    });
    for (const sha of checkedCommits(task)) {
      if (memory.refusedChecks.has(sha)) continue;
      await attempt(async () => {
        const detailsUrl = elsewhere.publicUrl === undefined ? undefined : taskUrl(elsewhere.publicUrl, task);
        const update = { view, sha, words: checkWords(view, elsewhere), detailsUrl, shown: memory.shown };
        const { place, refused } = await putCheck(spot, at, update);
        if (refused !== undefined) {
          memory.refusedChecks.add(sha);
          log.warn({ task: task.id, sha, refused }, "GitHub refused a check run");
        }
        return place;
      });
    }
    if (place.blocked === undefined && at.blocked !== undefined)
      log.warn({ task: task.id, blocked: at.blocked }, "the comment of a task cannot be written");
    if (until !== undefined) return { done: false, until, place: at };
    memory.losses = 0;
    if (isEnded(task)) memories.delete(task.id);
    return { done: true, place: at };
  };
  const latest = latestOnly(run);
  return (view, place) => latest(view.task.id, { view, place });
}

/** When to come back. Throws what is neither a pause nor a lost answer. */
function later(error: unknown, clock: Clock, memory: Memory): Instant {
  if (error instanceof Busy) return error.until;
  const failure = failureOf(error);
  if (failure === undefined || !isLost(failure)) throw error;
  memory.losses += 1;
  return after(clock.now(), Math.min(firstDelayMs * 2 ** (memory.losses - 1), mostDelayMs));
}
