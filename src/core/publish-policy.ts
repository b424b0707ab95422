/** How a result is handed over, as the repository's settings had it when its task was admitted. */
import { z } from "zod";
import type { Settings } from "./settings/settings.ts";

export const PublishPolicy = z.object({
  draft: z.boolean(),
  branchPrefix: z.string(),
  /** Logins, and teams as `acme/reviewers`. */
  reviewers: z.array(z.string()),
  labels: z.array(z.string()),
});
export type PublishPolicy = z.output<typeof PublishPolicy>;

/** What tasks had before repositories could say it, and what those from a terminal have. */
export const plainPrefix = "parhelia/";

/** Admitted again, a task takes what the settings say by then, but for its branch: that one keeps its name. */
export function policyFrom(
  { publish }: Settings,
  before: { readonly policy?: PublishPolicy | undefined; readonly base?: unknown },
): PublishPolicy {
  const { draft, reviewers, labels } = publish;
  const kept = before.policy?.branchPrefix ?? (before.base === undefined ? undefined : plainPrefix);
  return { draft, reviewers, labels, branchPrefix: kept ?? publish.branch_prefix };
}
