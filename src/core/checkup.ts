/** What a look at an installation finds, thing by thing. A "no" never comes without its cure. */

export type Seen =
  | { readonly outcome: "ok"; readonly found: string }
  | { readonly outcome: "warning" | "failed"; readonly found: string; readonly cure: string }
  /** It could not be looked at, for a reason that is a failure of its own. */
  | { readonly outcome: "unseen"; readonly found: string };

export type Check = Seen & { readonly name: string };

export const ok = (found: string): Seen => ({ outcome: "ok", found });
export const failed = (found: string, cure: string): Seen => ({ outcome: "failed", found, cure });
export const warning = (found: string, cure: string): Seen => ({ outcome: "warning", found, cure });
export const unseen = (because: string): Seen => ({ outcome: "unseen", found: because });

/** What was not seen has its reason among those that failed; a warning is no reason to stop. */
export const isWell = (seen: readonly Seen[]): boolean => seen.every(({ outcome }) => outcome !== "failed");
