/**
 * Asks GitHub for the runs that ended lately, of the workflows that are watched, in some repositories at a time. What is the
 * same as when it was last asked for answers 304, which costs nothing of the hourly limit.
 */
import type { Workflow, WorkflowRun } from "../../core/failures.ts";
import { after, dayMs, type Instant } from "../../core/instant.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { MissedRuns } from "../../core/ports/workflows.ts";
import { failureOf } from "../failure.ts";
import { repoOf } from "../place.ts";
import type { RepositorySettings } from "../settings.ts";
import { walk, type Spot as Place, type WalkOptions } from "../walk.ts";
import { runFrom } from "./run.ts";

export interface MissedOptions extends WalkOptions {
  readonly settings: RepositorySettings;
  readonly clock: Clock;
}

const runsAtOnce = 20;
/** What failed before that was known to somebody, as before the app was installed; what runs once a week is within it. */
const lateFailureMs = 8 * dayMs;
const remembered = 5000;

export function openMissedRuns(options: MissedOptions): (from: string | undefined) => Promise<MissedRuns> {
  /** ETags of answers whose runs are written down. */
  const seen = new Map<string, string>();
  return async (from) => {
    const told = new Map<string, string>();
    const look = (place: Place) => inRepository(options, { ...place, seen, told });
    const { found, next } = await walk(options, from, { what: "runs of workflows", look });
    return {
      runs: found,
      next,
      written() {
        if (seen.size > remembered) seen.clear();
        for (const [key, etag] of told) seen.set(key, etag);
      },
    };
  };
}

interface Spot extends Place {
  /** By repository and file. */
  readonly seen: ReadonlyMap<string, string>;
  /** Those of this part. */
  readonly told: Map<string, string>;
}

async function inRepository(options: MissedOptions, spot: Spot): Promise<MissedRuns["runs"]> {
  const { installation, repository } = spot;
  const { id, name, owner } = repository;
  const { failures } = await options.settings.of(installation, { id, name, owner: owner.login });
  const found = [];
  for (const file of failures.workflows) found.push(...(await ofWorkflow(options, spot, file)));
  return found;
}

async function ofWorkflow(options: MissedOptions, spot: Spot, file: string): Promise<MissedRuns["runs"]> {
  const { installation, repository, seen, told } = spot;
  const { octokit } = options.clients.of(installation);
  const key = `${repository.id}/${file}`;
  const etag = seen.get(key);
  try {
    const { data, headers } = await octokit.rest.actions.listWorkflowRuns({
      ...repoOf({ repository: { owner: repository.owner.login, name: repository.name } }),
      workflow_id: file,
      branch: repository.default_branch,
      status: "completed",
      per_page: runsAtOnce,
      ...(etag === undefined ? {} : { headers: { "if-none-match": etag } }),
    });
    if (headers.etag !== undefined) told.set(key, headers.etag);
    const runs = data.workflow_runs.flatMap((each) => runFrom({ installation, repository }, each) ?? []);
    return byWorkflow(runs.filter(({ run }) => isLate(run, options.clock.now())));
  } catch (error) {
    const status = failureOf(error)?.status;
    // The same as before, or no such workflow here.
    if (status === 304 || status === 404) return [];
    throw error;
  }
}

const isLate = ({ outcome, endedAt }: WorkflowRun, now: Instant): boolean =>
  outcome === "passed" || endedAt > after(now, -lateFailureMs);

function byWorkflow(heard: readonly { workflow: Workflow; run: WorkflowRun }[]): MissedRuns["runs"] {
  const [first] = heard;
  return first === undefined ? [] : [{ workflow: first.workflow, runs: heard.map(({ run }) => run) }];
}
