/** A run of GitHub Actions as an event or a listing tells of it, where it says something of the default branch. */
import { z } from "zod";
import { InstallationId, Sha } from "../../core/ids.ts";
import { Instant } from "../../core/instant.ts";
import type { Workflow, WorkflowRun } from "../../core/failures.ts";
import { clipBytes } from "../../core/markdown.ts";

const ToldRun = z.object({
  id: z.int().positive(),
  run_number: z.int().positive(),
  run_attempt: z.int().positive().default(1),
  name: z.string().nullish(),
  display_title: z.string().default(""),
  path: z.string(),
  event: z.string(),
  conclusion: z.string().nullable(),
  head_branch: z.string().nullable(),
  head_sha: Sha,
  html_url: z.string(),
  updated_at: z.string(),
  head_repository: z.object({ id: z.int() }).nullish(),
});

export interface ToldBy {
  readonly installation: number;
  readonly repository: {
    readonly id: number;
    readonly name: string;
    readonly owner: { readonly login: string };
    readonly default_branch: string;
  };
}

const outcomes: Readonly<Record<string, WorkflowRun["outcome"]>> = {
  success: "passed",
  failure: "failure",
  timed_out: "timed_out",
  startup_failure: "startup_failure",
};

/** The names that settings can hold; a required workflow bears a ref behind it. */
const workflowFile = /^\.github\/workflows\/([\w.-]{1,100}\.ya?ml)(?:@.*)?$/;

const short = (text: string): string => clipBytes(text, 200, { keep: "start" });

/**
 * Undefined for what says nothing of the default branch: pull requests, forks and other branches; and for runs that were
 * cancelled, skipped or wait for somebody.
 */
export function runFrom(by: ToldBy, told: unknown): { workflow: Workflow; run: WorkflowRun } | undefined {
  const run = ToldRun.safeParse(told).data;
  const outcome = outcomes[run?.conclusion ?? ""];
  const file = workflowFile.exec(run?.path ?? "")?.[1];
  if (run === undefined || outcome === undefined || file === undefined) return undefined;
  const { repository, installation } = by;
  if (run.event.startsWith("pull_request") || run.head_branch !== repository.default_branch) return undefined;
  // A fork's branch may bear the same name.
  if (run.head_repository?.id !== repository.id) return undefined;
  return {
    workflow: {
      kind: "actions",
      installation: InstallationId.parse(installation),
      repository: { id: repository.id, owner: repository.owner.login, name: repository.name },
      file,
      name: short(run.name ?? file),
      branch: repository.default_branch,
    },
    run: {
      number: run.run_number,
      attempt: run.run_attempt,
      outcome,
      endedAt: Instant.parse(Date.parse(run.updated_at)),
      id: run.id,
      url: run.html_url,
      trigger: run.event,
      title: short(run.display_title),
      sha: run.head_sha,
    },
  };
}
