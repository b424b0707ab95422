/**
 * A purse gets new room in its running period: what was charged against its ceiling counts as nothing from now on. What is
 * held still counts, and what was spent stays in every other sum. The ledger has a line for it, so that a recount agrees.
 */
import type { Ceiling } from "../core/budget.ts";
import type { Instant } from "../core/instant.ts";
import { microUsd, minus, type MicroUsd } from "../core/money.ts";
import type { Store } from "../core/ports/store.ts";
import { counters } from "./document.ts";
import { eventAppends } from "./events.ts";
import { entryAppends, type Entry } from "./ledger-entry.ts";
import { join } from "./task-put.ts";

export interface Adjusted {
  readonly ceiling: Ceiling;
  readonly was: MicroUsd;
  /** What is held. */
  readonly is: MicroUsd;
}

export interface AdjustAsk {
  /** Who, and why. */
  readonly because: string;
  readonly now: Instant;
  readonly op: string;
}

/** All purses in one commit, in their order. Those that have nothing to give back stay as they are. */
export async function resetPurses(
  store: Store,
  ceilings: readonly Ceiling[],
  { because, now, op }: AdjustAsk,
): Promise<Adjusted[]> {
  for (let round = 1; ; round += 1) {
    const purses = await pursesOf(store, now, ceilings);
    const full = purses.filter(({ back }) => back > 0);
    if (full.length === 0) return purses.map(adjusted);
    const result = await store.commit({
      op: `${op}/${round}`,
      now,
      ...join(
        {
          add: full.flatMap(({ ceiling: { scope }, before, back }) => [
            { counter: counters.used(scope), by: 0 - back, min: 0 },
            // Of two resets at one time the second looks again: the same charge is not taken away twice.
            { counter: counters.adjusted(scope), by: back, max: before + back },
          ]),
        },
        { append: entryAppends(full.map((purse) => line(purse, { because, now, op }))) },
        { append: eventAppends([{ at: now, level: "warning", type: "budget_reset", message: because }]) },
      ),
    });
    if (result.ok) return purses.map(adjusted);
  }
}

interface Purse {
  readonly ceiling: Ceiling;
  readonly used: MicroUsd;
  /** Taken away by earlier resets. */
  readonly before: number;
  /** Taken away now: what is charged and was not taken away before. */
  readonly back: MicroUsd;
}

async function pursesOf(store: Store, now: Instant, ceilings: readonly Ceiling[]): Promise<Purse[]> {
  const sums = await store.look(
    now,
    ceilings.flatMap(({ scope }) => [
      { counter: counters.used(scope) },
      { counter: counters.spent(scope, "model") },
      { counter: counters.spent(scope, "compute") },
      { counter: counters.adjusted(scope) },
    ]),
  );
  return ceilings.map((ceiling, place) => {
    const [used = 0, model = 0, compute = 0, before = 0] = sums.slice(4 * place, 4 * place + 4);
    const charged = minus(microUsd(model + compute), microUsd(before));
    return { ceiling, used: microUsd(used), before, back: microUsd(Math.min(used, charged)) };
  });
}

const adjusted = ({ ceiling, used, back }: Purse): Adjusted => ({ ceiling, was: used, is: minus(used, back) });

const line = ({ ceiling: { scope }, back }: Purse, { because, now, op }: AdjustAsk): Entry => ({
  do: "adjustment",
  slice: `reset/${op}/${scope}`,
  at: now,
  amount: 0 - back,
  scopes: [scope],
  because,
});
