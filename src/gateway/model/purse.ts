/**
 * Where the money of model calls comes from, as the routes need it. The ledger is behind it; the routes know no
 * ceilings and no scopes.
 */
import type { AttemptId } from "../../core/ids.ts";
import type { MicroUsd } from "../../core/money.ts";

export type Reserved =
  | { readonly ok: true }
  /** `because` is shown to the person verbatim: which ceiling stands in the way, with figures. */
  | { readonly ok: false; readonly because: string };

export interface Purse {
  /** Whether the attempt has begun and has not ended. */
  open(attempt: AttemptId): Promise<boolean>;
  /** Holds an amount durably under `id`, against every ceiling at once. */
  reserve(attempt: AttemptId, id: string, amount: MicroUsd): Promise<Reserved>;
  /** What the tightest ceiling leaves now, held amounts taken off. */
  left(attempt: AttemptId): Promise<MicroUsd>;
  /** Charges what was held under `id` and frees the rest. Settling again changes nothing. */
  settle(id: string, charge: MicroUsd): Promise<void>;
}
