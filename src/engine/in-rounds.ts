/** Work of reconciling that goes through everything a part at a time: none again before the rest has been looked at. */
import { Busy } from "../core/busy.ts";
import { after, type Instant } from "../core/instant.ts";
import { endRound, takeRound, type Round } from "../records/rounds.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import type { Room } from "./room.ts";

export interface Part {
  /** Names the round among the others. */
  readonly name: string;
  /** From the end of one round to the beginning of the next. */
  readonly everyMs: number;
  /** Looks at the next part and answers where to go on; undefined where that was the last. May reject with `Busy`. */
  look(from: string | undefined): Promise<string | undefined>;
}

/** When each is due next, as far as this process knows; another may be at it sooner, and is at it alone then. */
const dueAt = new WeakMap<Room, Map<string, Instant>>();

/** Does one part, where it is due and no other replica is at it. */
export async function inRounds(room: Room, { name, everyMs, look }: Part): Promise<void> {
  const { store, clock, ids, holder } = room;
  const known = dueAt.get(room) ?? new Map<string, Instant>();
  dueAt.set(room, known);
  if (clock.now() < (known.get(name) ?? 0)) return;
  const turn = await takeRound(store, { name, holder, ttlMs: leaseMs, now: clock.now(), op: ids.unique() });
  if (turn === undefined) return;
  if ("dueAt" in turn) {
    known.set(name, turn.dueAt);
    return;
  }
  const stop = keepLease(room, turn.lease);
  let next: Round | undefined;
  try {
    const from = await look(turn.from);
    const now = clock.now();
    next = from === undefined ? { at: after(now, everyMs) } : { from, at: now };
    known.set(name, next.at);
  } catch (error) {
    if (!(error instanceof Busy)) throw error;
  } finally {
    stop();
    await endRound(store, turn, { next, now: clock.now(), op: ids.unique() });
  }
}
