/**
 * Rounds: work that goes through everything a part at a time and begins again when it is through. Where it stands is kept,
 * so that whichever replica comes next goes on there.
 */
import { z } from "zod";
import { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { kept, keys } from "./document.ts";
import { releaseLease, underLease, type Lease, type LeaseAsk } from "./lease.ts";

const Round = z.object({
  /** Where to go on; absent at the beginning. */
  from: z.string().optional(),
  /** Not before. */
  at: Instant,
});
export type Round = z.output<typeof Round>;

export interface RoundTurn {
  readonly name: string;
  readonly from: string | undefined;
  readonly lease: Lease;
}

/** Undefined where another holder is at it; where it is not due, when it is. */
export async function takeRound(
  store: Store,
  ask: LeaseAsk & { name: string },
): Promise<RoundTurn | { readonly dueAt: Instant } | undefined> {
  const { name, now } = ask;
  const key = keys.round(name);
  const read = async (): Promise<Round> =>
    kept(Round, (await store.look(now, [{ get: key }]))[0])?.value ?? { at: now };
  // Mostly it is not due, and then nothing is written.
  const { at } = await read();
  if (now < at) return { dueAt: at };
  return underLease(store, ask, {
    name: key,
    asked: [{ get: key }],
    async read(lease, [document]) {
      const round = kept(Round, document)?.value ?? { at: now };
      return now < round.at ? undefined : { name, from: round.from, lease };
    },
  });
}

/** `next` goes on from where this part ended. Without it this part is done again later. */
export async function endRound(
  store: Store,
  { name, lease }: RoundTurn,
  { next, now, op }: { next: Round | undefined; now: Instant; op: string },
): Promise<void> {
  await releaseLease(store, lease, {
    now,
    op,
    put: next === undefined ? [] : [{ key: keys.round(name), value: next }],
  });
}
