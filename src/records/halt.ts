/**
 * The halt switch: while its document is there no attempt is claimed, on any replica, because each claim is conditioned on
 * its absence. It outlives every process; only an operator sets and lifts it.
 */
import { z } from "zod";
import type { Event } from "../core/event.ts";
import { Instant } from "../core/instant.ts";
import type { Document, Store } from "../core/ports/store.ts";
import { isEnded, type Task } from "../core/task.ts";
import { kept, keys } from "./document.ts";
import { eventAppends } from "./events.ts";
import { liveTasks } from "./live-tasks.ts";
import { dueTopic, reportDuePut } from "./task-put.ts";

const Halt = z.object({
  at: Instant,
  /** Login of the operator's account on their machine. */
  by: z.string(),
  /** The operator's words, or "". */
  because: z.string(),
});
export type Halt = z.output<typeof Halt>;

/** A claim's condition. */
export const notHalted = [keys.halt, 0] as const;

export const haltQuery = { get: keys.halt } as const;

export const haltIn = (document: Document | undefined): Halt | undefined => kept(Halt, document)?.value;

export async function readHalt(store: Store, now: Instant): Promise<Halt | undefined> {
  const [document] = await store.look(now, [haltQuery]);
  return haltIn(document);
}

interface Ask {
  readonly by: string;
  readonly now: Instant;
  readonly op: string;
}

/** From now on nothing new starts. Said again, the newer words hold. */
export async function halt(store: Store, { by, because, now, op }: Ask & { because: string }): Promise<void> {
  const value: Halt = { at: now, by, because };
  const words = because === "" ? "" : `: ${because}`;
  const event: Event = { at: now, level: "warning", type: "halted", message: `${by} halted new starts${words}` };
  await store.commit({ op, now, put: [{ key: keys.halt, value }], append: eventAppends([event]) });
  await showQueued(store, { now, op });
}

/** False where nothing was halted. */
export async function liftHalt(store: Store, { by, now, op }: Ask): Promise<boolean> {
  if ((await readHalt(store, now)) === undefined) return false;
  const event: Event = { at: now, level: "info", type: "halt_lifted", message: `${by} lets new work start again` };
  await store.commit({
    op,
    now,
    put: [{ key: keys.halt, value: undefined }],
    append: eventAppends([event]),
    wake: [dueTopic],
  });
  await showQueued(store, { now, op });
  return true;
}

const shownAtOnce = 200;

/** Reports of the tasks that come next say so at once; the others do at their own time, within minutes. */
async function showQueued(store: Store, { now, op }: { now: Instant; op: string }): Promise<void> {
  const queued = (await liveTasks(store, now, shownAtOnce)).filter(waitsForSlot);
  const put = queued.map(({ id }) => reportDuePut(id, now));
  if (put.length > 0) await store.commit({ op: `${op}/reports`, now, put, wake: [dueTopic] });
}

const waitsForSlot = (task: Task): boolean => !isEnded(task) && task.state === "waiting" && task.for === "slot";
