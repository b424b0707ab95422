/**
 * The one loop's single turn: read what is due, start what is not under way. Slow work never holds up other work; the
 * same thing is never done twice at once.
 */
import { after, earliest, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import { readDue, type Due } from "../records/due.ts";
import { answer } from "./answer.ts";
import { reconcile } from "./reconcile.ts";
import { report } from "./report.ts";
import type { Room } from "./room.ts";
import { takeStep } from "./take-step.ts";

export interface Engine {
  /** Starts what is due. `nextAt` is when something becomes due by the clock alone. */
  tick(): Promise<{ readonly started: number; readonly nextAt: Instant | undefined }>;
  /** Resolves when nothing that was started is under way. */
  idle(): Promise<void>;
  reconcile(): Promise<void>;
}

/** How many due things one look reads; what is beyond comes with the next. */
const atOnce = 64;

/** What another replica works on is left to it for so long; it looks again itself when it is done. */
const othersMs = 2 * secondMs;
/** What cannot even be begun, as a document that this release does not understand, is tried again after this. */
const brokenMs = minuteMs;

/** `moved` is called when a piece of work has ended and something may be due because of it. */
export function openEngine(room: Room, moved: () => void): Engine {
  const { clock } = room;
  const underWay = new Map<string, Promise<void>>();
  /** What is left alone until then. */
  const others = new Map<string, Instant>();
  const run = async (key: string, work: () => Promise<boolean>): Promise<void> => {
    let done = false;
    let pauseMs: number = othersMs;
    try {
      done = await work();
    } catch (error) {
      pauseMs = brokenMs;
      room.log.error({ work: key, err: error }, "a piece of work broke off");
    }
    underWay.delete(key);
    // Where another holder has it nothing was done, and looking again at once would find the same.
    if (done) moved();
    else others.set(key, after(clock.now(), pauseMs));
  };
  const start = (key: string, work: () => Promise<boolean>): number => {
    if (underWay.has(key) || others.has(key)) return 0;
    underWay.set(key, run(key, work));
    return 1;
  };
  const startDue = (due: Due): number => {
    const tasks = [...new Set([...due.tasks, ...due.candidates])];
    const counts = [
      ...tasks.map((id) => start(`task/${id}`, () => takeStep(room, id))),
      ...due.reports.map((id) => start(`report/${id}`, () => report(room, id))),
      ...due.requests.map((id) => start(`request/${id}`, () => answer(room, id))),
    ];
    return counts.reduce((sum, each) => sum + each, 0);
  };
  return {
    async tick() {
      const now = clock.now();
      // Also where the clock was set back meanwhile.
      for (const [key, until] of others) if (now >= until || until > now + brokenMs) others.delete(key);
      const due = await readDue(room.store, now, {
        // What is under way here or elsewhere stands in front of what is not.
        limit: atOnce + underWay.size + others.size,
        maxSandboxes: room.limits.maxSandboxes,
      });
      const started = startDue(due);
      const nextAt = [...others.values(), ...(due.nextAt === undefined ? [] : [due.nextAt])];
      return { started, nextAt: nextAt.length === 0 ? undefined : earliest(...nextAt) };
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    reconcile: () => reconcile(room),
  };
}
