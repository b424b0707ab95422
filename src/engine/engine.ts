/**
 * What the one loop does: read what is due, start what is not under way. Slow work never holds up other work; the same
 * thing is never done twice at once. Work that ends says what is due after it, and that is started without another look.
 */
import { TaskId } from "../core/ids.ts";
import { after, earliest, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import { readDue, workOf, type Due, type Next } from "../records/due.ts";
import { answer } from "./answer.ts";
import { openDueAsk, type Dues } from "./dues.ts";
import { showFailures } from "./failures.ts";
import { reconcile } from "./reconcile.ts";
import { openReporter } from "./report.ts";
import type { Room } from "./room.ts";
import { openScheduler } from "./schedule.ts";
import { takeStep } from "./take-step.ts";

export interface Engine {
  /** Starts what is due. */
  tick(): Promise<Next & { readonly started: number }>;
  /** Starts a piece of work that is known by name to be due. False where it does not: another look tells. */
  begin(work: string): boolean;
  /** Whether this process did it last, and is the one to go on with it. */
  isOurs(work: string): boolean;
  /** Starts nothing any more; what is under way goes on. */
  stop(): void;
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

const worksIn = ({ tasks, candidates, reports, requests, failures }: Due): string[] => [
  ...new Set([...tasks, ...candidates].map(workOf.task)),
  ...reports.map(workOf.report),
  ...requests.map(workOf.request),
  ...failures.map(workOf.failure),
];

const nothingNext: Next = { nextAt: undefined, nextWork: undefined };

/**
 * `moved` is called when a piece of work has ended: what is due because of it is started, and this comes next; or "look",
 * where that is not known.
 */
export function openEngine(room: Room, moved: (next: Next | "look") => void): Engine {
  const { clock } = room;
  const underWay = new Map<string, Promise<void>>();
  /** Named as due while they were under way. */
  const named = new Set<string>();
  let isStopped = false;
  /** What is left alone until then. */
  const others = new Map<string, Instant>();
  const reports = openReporter(room);
  const scheduled = openScheduler(room);
  const limits = () => ({
    // What is under way here or elsewhere stands in front of what is not.
    limit: atOnce + underWay.size + others.size,
    maxSandboxes: room.limits.maxSandboxes,
  });
  const ask = openDueAsk(clock, limits);

  /** As of the last answer, until it is begun. */
  let known: Next = nothingNext;
  const next = (): Next => {
    const until = [...others.values()];
    const { nextAt } = known;
    if (nextAt !== undefined && until.every((at) => nextAt <= at)) return known;
    return { nextAt: until.length === 0 ? undefined : earliest(...until), nextWork: undefined };
  };
  const run = async (key: string, work: (dues: Dues) => Promise<boolean>): Promise<void> => {
    let due: Due | undefined;
    const found = (answer: Due | undefined): void => {
      if (answer === undefined) return;
      due = answer;
      known = answer;
      startDue(answer);
      moved(next());
    };
    let outcome: "done" | "another has it" | "broken" = "broken";
    try {
      outcome = (await work({ ask, found })) ? "done" : "another has it";
    } catch (error) {
      room.log.error({ work: key, err: error }, "a piece of work broke off");
    }
    underWay.delete(key);
    const isNamed = named.delete(key);
    // Where another holder has it nothing was done, and looking again at once would find the same.
    if (outcome !== "done") others.set(key, after(clock.now(), outcome === "broken" ? brokenMs : othersMs));
    // It may be due again itself.
    if (due !== undefined && worksIn(due).includes(key)) begin(key);
    moved(isNamed || outcome === "broken" ? "look" : next());
  };
  const start = (key: string, work: (dues: Dues) => Promise<boolean>): boolean => {
    if (known.nextWork === key) known = nothingNext;
    if (isStopped || underWay.has(key) || others.has(key)) return false;
    underWay.set(key, run(key, work));
    return true;
  };
  const begin = (work: string): boolean => {
    const kind = work.slice(0, work.indexOf("/"));
    const id = work.slice(kind.length + 1);
    const task = TaskId.safeParse(id).data;
    if (kind === "request") return start(work, (dues) => answer(room, id, dues));
    if (kind === "failure") return start(work, (dues) => showFailures(room, id, dues));
    if (kind === "task" && task !== undefined) return start(work, (dues) => takeStep(room, task, dues));
    return kind === "report" && task !== undefined && start(work, (dues) => reports.report(task, dues));
  };
  const startDue = (due: Due): number => worksIn(due).filter(begin).length;
  return {
    async tick() {
      const now = clock.now();
      // Also where the clock was set back meanwhile.
      for (const [key, until] of others) if (now >= until || until > now + brokenMs) others.delete(key);
      const due = await readDue(room.store, now, limits());
      known = due;
      const started = startDue(due);
      return { started, ...next() };
    },
    begin(work) {
      if (!underWay.has(work)) return begin(work);
      named.add(work);
      return true;
    },
    isOurs: (work) => reports.isOurs(work),
    stop() {
      isStopped = true;
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
    async reconcile() {
      // Not waited for: a job takes minutes.
      start("schedule/", async () => {
        await scheduled();
        return true;
      });
      await reconcile(room);
    },
  };
}
