/** Taking a lease: the time-limited right to work on one document, with the fence that holds later commits to it. */
import type { Instant } from "../core/instant.ts";
import type { Answers, Put, Query, Store } from "../core/ports/store.ts";

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
  /** One that the holder may have still: it is renewed instead of taken. */
  readonly kept?: Lease | undefined;
}

export interface UnderLease<Q extends readonly Query[], T> {
  readonly name: string;
  /** Answered with the taking, in one call. */
  readonly asked: Q;
  /** Written with the taking; and in the commit that gives the lease back where there is nothing to work on. */
  readonly put?: readonly Put[];
  readonly putWhereAbsent?: readonly Put[];
  read(lease: Lease, answers: Answers<Q>): Promise<T | undefined>;
}

/**
 * What `read` makes of the answers under a fresh lease; undefined where another holder has it. Where it finds nothing there
 * is nothing to work on, and the lease is given back.
 */
export async function underLease<const Q extends readonly Query[], T>(
  store: Store,
  ask: LeaseAsk,
  { name, asked, put = [], putWhereAbsent = [], read }: UnderLease<Q, T>,
): Promise<T | undefined> {
  const { holder, ttlMs, now, op, kept } = ask;
  const act = kept === undefined ? { name, holder, act: "take" as const } : { ...kept, act: "renew" as const };
  const taken = await store.commit({ op, now, leases: [{ ...act, ttlMs }], put }, asked);
  const fence = taken.ok ? taken.fences[0] : undefined;
  if (fence === undefined) return undefined;
  const lease: Lease = { name, holder, fence };
  let found: T | undefined;
  try {
    found = await read(lease, taken.answers);
  } finally {
    // Also where it cannot be read: nobody works on it.
    if (found === undefined) await releaseLease(store, lease, { now, op: `${op}/absent`, put: putWhereAbsent });
  }
  return found;
}

/** Keeps it for another while during long work. False when it was lost: stop acting. */
export async function renewLease(
  store: Store,
  lease: Lease,
  { ttlMs, now, op }: Pick<LeaseAsk, "ttlMs" | "now" | "op">,
): Promise<boolean> {
  const renewed = await store.commit({ op, now, leases: [{ ...lease, act: "renew", ttlMs }] });
  return renewed.ok;
}

/** A lease that was lost meanwhile needs nothing. */
export async function releaseLease(
  store: Store,
  lease: Lease,
  { now, op, put = [] }: { now: Instant; op: string; put?: readonly Put[] },
): Promise<void> {
  await store.commit({ op, now, leases: [{ ...lease, act: "release" }], put });
}
