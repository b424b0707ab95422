/** Settles what a call held, once, and writes its one line of the log. */
import type { AttemptId } from "../../core/ids.ts";
import type { Instant } from "../../core/instant.ts";
import { noMoney, type MicroUsd } from "../../core/money.ts";
import type { Log } from "../../core/ports/log.ts";
import { modelPrice, pricesAsOf, cutUsage, usageCost, type ModelUsage } from "../../core/pricing.ts";
import type { Hold } from "./purse.ts";

/** How a call ended, as far as its cost goes. */
export type Ending =
  | { readonly cost: "counted"; readonly usage: ModelUsage }
  /** Nothing was used, and the API or this machine said so. */
  | { readonly cost: "none"; readonly because: string }
  /** It may have cost anything up to the worst case. `seen` is what was counted until the answer broke off. */
  | { readonly cost: "unknown"; readonly because: string; readonly seen?: ModelUsage };

export interface Charge {
  /** The first ending counts; later ones change nothing. Never throws: what could not be settled stays held in full. */
  end(ending: Ending): Promise<void>;
}

export function openCharge(
  held: {
    readonly id: string;
    readonly attempt: AttemptId;
    readonly model: string;
    readonly amount: MicroUsd;
    readonly maxOutputTokens: number;
    readonly hold: Hold;
  },
  on: { readonly log: Log; readonly now: () => Instant; readonly ended: () => void },
): Charge {
  const begunAt = on.now();
  let done: Promise<void> | undefined;

  async function settle(ending: Ending): Promise<void> {
    const usage = usageOf(ending, held.maxOutputTokens);
    const charged = ending.cost === "none" ? noMoney : usage === undefined ? held.amount : usageCost(held.model, usage);
    const line = {
      attempt: held.attempt,
      call: held.id,
      model: held.model,
      heldMicroUsd: held.amount,
      chargedMicroUsd: charged,
      ...ending,
      ...(modelPrice(held.model).known ? {} : { price: `not in the table of ${pricesAsOf}; the dearest was taken` }),
      durationMs: on.now() - begunAt,
    };
    try {
      await held.hold.charge({
        amount: charged,
        model: held.model,
        isWorstCase: ending.cost === "unknown",
        ...(usage === undefined ? {} : { usage }),
      });
      if (ending.cost === "unknown") on.log.warn(line, "model call, worst case charged");
      else on.log.info(line, "model call");
    } catch (cause) {
      on.log.error({ ...line, err: cause }, "model call could not be settled and stays held");
    } finally {
      on.ended();
    }
  }
  return { end: (ending) => (done ??= settle(ending)) };
}

/** What is charged for; undefined where nothing was counted. */
function usageOf(ending: Ending, maxOutputTokens: number): ModelUsage | undefined {
  if (ending.cost === "counted") return ending.usage;
  if (ending.cost === "none" || ending.seen === undefined) return undefined;
  return cutUsage(ending.seen, maxOutputTokens);
}
