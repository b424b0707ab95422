/**
 * Asks GitHub for the runs that ended lately, of the workflows that are watched, in some repositories at a time. What is the
 * same as when it was last asked for answers 304, which costs nothing of the hourly limit.
 */
import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import { Busy } from "../../core/busy.ts";
import type { Workflow, WorkflowRun } from "../../core/failures.ts";
import { InstallationId } from "../../core/ids.ts";
import { after, dayMs, type Instant } from "../../core/instant.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import type { MissedRuns } from "../../core/ports/workflows.ts";
import { Refusal } from "../../core/refusal.ts";
import type { Clients } from "../client.ts";
import { failureOf, isNo } from "../failure.ts";
import { repoOf } from "../place.ts";
import type { RepositorySettings } from "../settings.ts";
import { runFrom, type ToldBy } from "./run.ts";

export interface MissedOptions {
  readonly clients: Clients;
  readonly settings: RepositorySettings;
  readonly installations: readonly number[];
  readonly clock: Clock;
  readonly log: Log;
}

const repositoriesAtOnce = 10;
const runsAtOnce = 20;
/** What failed before that was known to somebody, as before the app was installed; what runs once a week is within it. */
const lateFailureMs = 8 * dayMs;
const remembered = 5000;

const Cursor = z.tuple([z.coerce.number().int().min(0), z.coerce.number().int().min(1)]);

type Repository = ToldBy["repository"] & { readonly archived?: boolean };

export function openMissedRuns(options: MissedOptions): (from: string | undefined) => Promise<MissedRuns> {
  const { clients, installations } = options;
  /** ETags of answers whose runs are written down. */
  const seen = new Map<string, string>();
  return async (from) => {
    const [at, page] = Cursor.safeParse(from?.split("/")).data ?? [0, 1];
    const number = installations[at];
    const told = new Map<string, string>();
    const written = (): void => {
      if (seen.size > remembered) seen.clear();
      for (const [key, etag] of told) seen.set(key, etag);
    };
    if (number === undefined) return { runs: [], next: undefined, written };
    const nextInstallation = at + 1 < installations.length ? `${at + 1}/1` : undefined;
    const installation = InstallationId.parse(number);
    const { octokit } = clients.of(installation);
    const repositories = await orNone(options, { installation }, () => repositoriesOf(octokit, page));
    const runs: MissedRuns["runs"][number][] = [];
    for (const repository of repositories) {
      if (repository.archived) continue;
      const about = { installation, repository: `${repository.owner.login}/${repository.name}` };
      runs.push(
        ...(await orNone(options, about, () => inRepository(options, { installation, repository, seen, told }))),
      );
    }
    const isLast = repositories.length < repositoriesAtOnce;
    return { runs, next: isLast ? nextInstallation : `${at}/${page + 1}`, written };
  };
}

/** What one repository or installation refuses, or cannot say, is in no other's way. */
async function orNone<T>(
  { log }: MissedOptions,
  about: object,
  ask: () => Promise<readonly T[]>,
): Promise<readonly T[]> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Busy) throw error;
    const failure = failureOf(error);
    const isExpected = error instanceof Refusal || (failure !== undefined && isNo(failure));
    if (!isExpected) log.warn({ ...about, err: error }, "runs that were missed cannot be looked for");
    return [];
  }
}

async function repositoriesOf(octokit: Octokit, page: number): Promise<Repository[]> {
  const { data } = await octokit.rest.apps.listReposAccessibleToInstallation({ per_page: repositoriesAtOnce, page });
  return data.repositories;
}

interface Spot {
  readonly installation: InstallationId;
  readonly repository: Repository;
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
