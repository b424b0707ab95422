/**
 * What the settings of a repository's default branch want of a task, as they were when it was admitted: how its result is
 * handed over, and which instructions of the repository's own count.
 */
import { z } from "zod";
import type { Settings } from "./settings/settings.ts";

export const Policy = z.object({
  draft: z.boolean(),
  branchPrefix: z.string(),
  /** Logins, and teams as `acme/reviewers`. */
  reviewers: z.array(z.string()),
  labels: z.array(z.string()),
  /** Whether the agent is told to follow `CLAUDE.md`; never where code or text is untrusted. */
  claudeMd: z.boolean(),
  /** Whether settings, hooks and servers of the agent's that lie in the repository count; never where code or text is untrusted. */
  claudeSettings: z.boolean().default(false),
});
export type Policy = z.output<typeof Policy>;

/** What tasks had before repositories could say it, and what those from a terminal have. */
export const plainPrefix = "parhelia/";

/** Admitted again, a task takes what the settings say by then, but for its branch: that one keeps its name. */
export function policyFrom(
  { publish, instructions }: Settings,
  before: { readonly policy?: Policy | undefined; readonly base?: unknown },
): Policy {
  const { draft, reviewers, labels } = publish;
  const kept = before.policy?.branchPrefix ?? (before.base === undefined ? undefined : plainPrefix);
  const branchPrefix = kept ?? publish.branch_prefix;
  const { claude_md: claudeMd, claude_settings: claudeSettings } = instructions;
  return { draft, reviewers, labels, branchPrefix, claudeMd, claudeSettings };
}
