import type { Notice } from "../notice.ts";

/** A place where the operator is told: an issue, a webhook. */
export interface OperatorChannel {
  /** Tells it from the others; written down with each notice that was told there, so it must not change. */
  readonly name: string;
  /**
   * Tells it. A repeated call after a crash tells it once where the place can be searched, and once more where it cannot.
   * Rejects with `Busy`, or with what went wrong; then it is tried again later.
   */
  tell(notice: Notice): Promise<void>;
}
