/** Taking a lease: the time-limited right to work on one document, with the fence that holds later commits to it. */
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";

export interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly fence: number;
}

export interface LeaseAsk {
  readonly holder: string;
  readonly ttlMs: number;
  readonly now: Instant;
  readonly op: string;
}

/**
 * What `read` finds under a fresh lease; undefined where another holder has it. Where `read` finds nothing there is nothing
 * to work on, and the lease is given back.
 */
export async function underLease<T>(
  store: Store,
  name: string,
  ask: LeaseAsk,
  read: (lease: Lease) => Promise<T | undefined>,
): Promise<T | undefined> {
  const { holder, ttlMs, now, op } = ask;
  const taken = await store.commit({ op, now, leases: [{ name, act: "take", holder, ttlMs }] });
  const fence = taken.ok ? taken.fences[0] : undefined;
  if (fence === undefined) return undefined;
  const lease: Lease = { name, holder, fence };
  let found: T | undefined;
  try {
    found = await read(lease);
  } finally {
    // Also where it cannot be read: nobody works on it.
    if (found === undefined) await store.commit({ op: `${op}/absent`, now, leases: [{ ...lease, act: "release" }] });
  }
  return found;
}

/** Keeps it for another while during long work. False when it was lost: stop acting. */
export async function renewLease(
  store: Store,
  lease: Lease,
  { ttlMs, now, op }: Omit<LeaseAsk, "holder">,
): Promise<boolean> {
  const renewed = await store.commit({ op, now, leases: [{ ...lease, act: "renew", ttlMs }] });
  return renewed.ok;
}
