/**
 * Where the money of model calls comes from, as the routes need it. The ledger is behind it; the routes know no
 * ceilings and no scopes.
 */
import type { AttemptId } from "../../core/ids.ts";
import type { MicroUsd } from "../../core/money.ts";
import type { ModelUsage } from "../../core/pricing.ts";

/** What a call cost, and what it used as far as that is known. */
export interface CallCost {
  readonly amount: MicroUsd;
  readonly model: string;
  /** Undefined where it cost nothing, or where nothing of it was counted. In the worst case, what it used at most. */
  readonly usage?: ModelUsage;
  readonly isWorstCase: boolean;
}

/** Money that is held until it is charged; charging again changes nothing. */
export interface Hold {
  charge(cost: CallCost): Promise<void>;
}

export type Reserved =
  | { readonly ok: true; readonly hold: Hold }
  /** `because` is shown to the person verbatim: which ceiling stands in the way, with figures. `left` is what that one leaves. */
  | { readonly ok: false; readonly because: string; readonly left: MicroUsd };

/** Of one attempt, as it stands at one call. */
export interface Account {
  /** What of its task's ceiling is gone, without what other calls hold. */
  readonly gone: MicroUsd;
  readonly ceiling: MicroUsd;
  /** Holds an amount durably under `id`, against every ceiling at once. */
  reserve(id: string, amount: MicroUsd): Promise<Reserved>;
}

export interface Purse {
  /** Undefined where the attempt has not begun or has ended. */
  open(attempt: AttemptId): Promise<Account | undefined>;
}
