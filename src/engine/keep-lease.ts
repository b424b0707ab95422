/** Keeps a turn while a step takes longer than its lease. A process that dies loses the turn within one lease. */
import { secondMs } from "../core/instant.ts";
import { renewTurn, type Turn } from "../records/turn.ts";
import type { Room } from "./room.ts";

/** A turn of a process that died is free after this. */
export const turnMs = 15 * secondMs;
const renewEveryMs = 5 * secondMs;

/** Returns the way to stop. A turn that was lost needs no word here: the commit that ends the step is fenced. */
export function keepTurn(room: Room, turn: Turn): () => void {
  const timer = setInterval(() => {
    const ask = { ttlMs: turnMs, now: room.clock.now(), op: room.ids.unique() };
    renewTurn(room.store, turn, ask).catch((error: unknown) => {
      room.log.warn({ task: turn.task.value.id, err: error }, "a turn could not be renewed");
    });
  }, renewEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
