/** Attempts: written at the claim, brought up to date while they live, and ended once, with their money and their slot. */
import { Attempt, type Outcome } from "../core/attempt.ts";
import type { AttemptId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { noMoney, plus, type MicroUsd } from "../core/money.ts";
import type { Put, Store } from "../core/ports/store.ts";
import { allKept, counters, indexes, kept, keys, sortKey, type Kept } from "./document.ts";
import {
  attemptMoney,
  charged,
  closeDraws,
  openingSliceId,
  settleEffects,
  sliceAsHeld,
  type Charge,
  type Slice,
} from "./ledger.ts";
import { hint, join, type Effects } from "./task-put.ts";

export async function readAttempt(store: Store, now: Instant, id: AttemptId): Promise<Kept<Attempt> | undefined> {
  const [document] = await store.look(now, [{ get: keys.attempt(id) }]);
  return kept(Attempt, document);
}

export const attemptPut = (attempt: Attempt): Put => ({
  key: keys.attempt(attempt.id),
  value: attempt,
  entries: attempt.endedAt === undefined ? [[indexes.liveAttempts, sortKey(attempt.claimedAt)]] : [],
});

/** More than any service has slots. */
const liveAtMost = 10_000;

export async function liveAttempts(store: Store, now: Instant): Promise<Kept<Attempt>[]> {
  const [hits] = await store.look(now, [{ range: indexes.liveAttempts, limit: liveAtMost }]);
  return allKept(Attempt, hits);
}

/** Writes down that the backend no longer knows the sandbox. The engine decides what that means: the task is due. */
export async function markGone(
  store: Store,
  attempt: Kept<Attempt>,
  at: { now: Instant; op: string },
): Promise<"marked" | "changed"> {
  const { value, version } = attempt;
  const gone = attemptPut({ ...value, seen: { at: at.now, alive: false } });
  const result = await store.commit({
    ...at,
    versions: [[keys.attempt(value.id), version]],
    ...join({ put: [gone] }, hint(value.task, at.now)),
  });
  return result.ok ? "marked" : "changed";
}

export interface AttemptEnd {
  readonly outcome: Outcome;
  readonly because: string;
  /** What the sandbox's time cost. */
  readonly compute: Charge;
  readonly now: Instant;
}

/**
 * The effects of an attempt's end: compute is charged for the time it took, its slot is free, and a model call whose
 * cost nobody saw is charged its worst case. Safe to write once only: the caller's commit is fenced by its turn. A model
 * call that began meanwhile refuses the commit; then look again. `model` is what all its model calls came to.
 */
export async function endAttemptEffects(store: Store, attempt: Attempt, end: AttemptEnd): Promise<EndEffects> {
  const { drawn, held, model } = await attemptMoney(store, end.now, attempt.id);
  const charges = held.map((slice) => ({ slice, charge: chargeOf(slice, end) }));
  const ended: Attempt = { ...attempt, endedAt: end.now, outcome: end.outcome, because: end.because };
  return {
    ...join(
      {
        put: [attemptPut(ended)],
        add: [{ counter: counters.running, by: -1, min: 0 }, closeDraws(attempt.id, drawn)],
      },
      ...charges.map(({ slice, charge }) => settleEffects(slice, charge)),
    ),
    given: held.map(sliceAsHeld),
    model: plus(model, ...charges.flatMap(({ slice, charge }) => (slice.kind === "model" ? amounts(charge) : []))),
  };
}

export type EndEffects = Partial<Effects> & {
  /** The slices as they were held: one that its own call settles meanwhile must not be charged again. */
  readonly given: readonly (readonly [key: string, version: number])[];
  /** What all its model calls came to. */
  readonly model: MicroUsd;
};

const amounts = ({ parts }: Charge): MicroUsd[] => parts.map(({ amount }) => amount);

/** No call was made of what was held for the first one. */
function chargeOf(slice: Slice, { compute, now }: AttemptEnd): Charge {
  if (slice.kind === "compute") return compute;
  if (slice.id === openingSliceId(slice.attempt)) return charged(noMoney, now);
  return charged(slice.amount, now, { worstCase: true });
}
