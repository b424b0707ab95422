/** Keeps a lease while the work under it takes longer. A process that dies loses it within one term. */
import { secondMs } from "../core/instant.ts";
import { renewLease, type Lease } from "../records/lease.ts";
import type { Room } from "./room.ts";

/** What a process that died held is free after this. */
export const leaseMs = 15 * secondMs;
export const renewEveryMs = 5 * secondMs;

/** Returns the way to stop. A lease that was lost needs no word here: the commit that ends the work is fenced. */
export function keepLease(room: Pick<Room, "store" | "clock" | "ids" | "log">, lease: Lease): () => void {
  const timer = setInterval(() => {
    const ask = { ttlMs: leaseMs, now: room.clock.now(), op: room.ids.unique() };
    renewLease(room.store, lease, ask).catch((error: unknown) => {
      room.log.warn({ lease: lease.name, err: error }, "a lease could not be renewed");
    });
  }, renewEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
