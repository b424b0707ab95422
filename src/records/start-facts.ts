/** What a start would meet at this moment: the halt switch, the slots that are taken, and what is used of each ceiling. */
import type { Ceiling } from "../core/budget.ts";
import type { Instant } from "../core/instant.ts";
import { MicroUsd } from "../core/money.ts";
import type { Store } from "../core/ports/store.ts";
import { counters } from "./document.ts";
import { haltIn, haltQuery, type Halt } from "./halt.ts";

export interface StartFacts {
  /** Set where nothing new starts. */
  readonly halted: Halt | undefined;
  /** Sandboxes that live, and those that are being made. */
  readonly running: number;
  /** Charged and held, in the order of the ceilings. */
  readonly used: readonly MicroUsd[];
}

/** As of one instant. */
export async function startFacts(store: Store, now: Instant, ceilings: readonly Ceiling[]): Promise<StartFacts> {
  const purses = ceilings.map(({ scope }) => ({ counter: counters.used(scope) }) as const);
  const [halt, running, ...used] = await store.look(now, [haltQuery, { counter: counters.running }, ...purses]);
  return { halted: haltIn(halt), running, used: used.map((each) => MicroUsd.parse(each)) };
}
