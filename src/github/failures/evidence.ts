/**
 * What GitHub can tell of a failed run: the jobs and steps that failed, how their logs end, and what changed since the
 * workflow last passed. What is not there any more, or may not be read, is left out; the issue is worth having without it.
 */
import type { Octokit } from "@octokit/rest";
import { Busy } from "../../core/busy.ts";
import type { Evidence, Workflow, WorkflowRun } from "../../core/failures.ts";
import { logEnd } from "../../core/log-end.ts";
import { visible } from "../../core/markdown.ts";
import type { Redact } from "../../core/redact.ts";
import { failureOf, isLost, isNo } from "../failure.ts";
import { pages, perPage } from "../pages.ts";
import { repoOf } from "../place.ts";
import { tailOf } from "./log-tail.ts";
import { runFrom } from "./run.ts";

export type ActionsWorkflow = Extract<Workflow, { kind: "actions" }>;

export interface Changes {
  /** Newest first, at most `shownCommits`; titles are untrusted. */
  readonly commits: readonly {
    readonly sha: string;
    readonly url: string;
    readonly title: string;
    readonly by: string;
  }[];
  readonly total: number;
  readonly url: string;
}

export interface Asked {
  readonly octokit: Octokit;
  readonly workflow: ActionsWorkflow;
  readonly tries: number;
  readonly redact: Redact;
}

const mostJobs = 300;
const loggedJobs = 3;
const shownCommits = 8;
/** After so many tries, what GitHub has not given is left out. */
const patience = 3;

/** Undefined in place of what GitHub will not give. */
async function ifThere<T>(tries: number, call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const failure = failureOf(error);
    if (failure !== undefined && isNo(failure)) return undefined;
    // A log may also break off in the middle.
    const isBroken = failure === undefined ? !(error instanceof Busy) : isLost(failure);
    if (isBroken && tries >= patience) return undefined;
    throw error;
  }
}

const failed = (conclusion: string | null): boolean =>
  conclusion === "failure" || conclusion === "timed_out" || conclusion === "startup_failure";

interface FailedJob {
  readonly id: number;
  readonly job: string;
  readonly step: string | undefined;
  readonly url: string | undefined;
}

export async function evidenceOf(asked: Asked, run: WorkflowRun): Promise<Evidence> {
  const { octokit, workflow, tries, redact } = asked;
  if (run.evidence !== undefined || run.id === undefined) return run.evidence ?? { failing: [], logs: [] };
  const jobs = (await ifThere(tries, jobsOf(asked, run.id, run.attempt))) ?? [];
  const logs: Evidence["logs"] = [];
  for (const { id, job } of jobs.slice(0, loggedJobs)) {
    const tail = await ifThere(tries, tailOf(octokit, repoOf(workflow), id));
    if (tail !== undefined && tail.trim() !== "") logs.push({ job, text: logEnd(redact(visible(tail))) });
  }
  const failing = jobs.map(({ job, step, url }) => ({ job, ...(step && { step }), ...(url && { url }) }));
  const level = levelIn(workflow, run, failing);
  return { ...(level === undefined ? {} : { level }), failing, logs };
}

async function jobsOf({ octokit, workflow, redact }: Asked, run_id: number, attempt: number): Promise<FailedJob[]> {
  const listed = pages(async (page) => {
    const ask = { ...repoOf(workflow), run_id, attempt_number: attempt, per_page: perPage, page };
    return (await octokit.rest.actions.listJobsForWorkflowRunAttempt(ask)).data.jobs;
  });
  const all: FailedJob[] = [];
  let seen = 0;
  for await (const { id, name, conclusion, steps, html_url: url } of listed) {
    const step = steps?.find((each) => failed(each.conclusion))?.name;
    if (failed(conclusion)) all.push({ id, job: redact(name), step: step && redact(step), url: url ?? undefined });
    if ((seen += 1) >= mostJobs) break;
  }
  return all;
}

/** GitHub tells nobody what a run was given; a `run-name` or a job's name may. Only the E2E tests have levels. */
function levelIn({ file }: ActionsWorkflow, { title, trigger }: WorkflowRun, failing: Evidence["failing"]) {
  if (file !== "e2e-modal.yml") return undefined;
  const texts = [...(trigger === "push" ? [] : [title]), ...failing.map(({ job }) => job)];
  return texts
    .map((text) => /\b(smoke|core|full)\b/i.exec(text)?.[1]?.toLowerCase())
    .find((level) => level !== undefined);
}

/** The last run that passed before this one, where we have not heard of it. */
export async function lastPassed(asked: Asked, before: WorkflowRun): Promise<WorkflowRun | undefined> {
  const { octokit, workflow, tries } = asked;
  const { repository, installation, file, branch } = workflow;
  const ask = { ...repoOf(workflow), workflow_id: file, branch, status: "success" as const, per_page: 10 };
  const answer = await ifThere(tries, octokit.rest.actions.listWorkflowRuns(ask));
  const { id, name, owner: login } = repository;
  const by = { installation, repository: { id, name, owner: { login }, default_branch: branch } };
  const runs = (answer?.data.workflow_runs ?? []).flatMap((told) => runFrom(by, told)?.run ?? []);
  return runs.filter(({ number }) => number < before.number).toSorted((one, other) => other.number - one.number)[0];
}

export async function changesSince(asked: Asked, from: string, to: string): Promise<Changes | undefined> {
  const { octokit, workflow, tries, redact } = asked;
  const compare = (page: number) =>
    octokit.rest.repos.compareCommitsWithBasehead({
      ...repoOf(workflow),
      basehead: `${from}...${to}`,
      per_page: perPage,
      page,
    });
  // Commits that a forced push threw away compare with nothing.
  const first = await ifThere(tries, compare(1));
  if (first === undefined) return undefined;
  const { total_commits: total, html_url: url } = first.data;
  // Oldest first, so the newest are on the last page.
  const last = total > perPage ? await ifThere(tries, compare(Math.ceil(total / perPage))) : first;
  const commits = (last?.data.commits ?? []).slice(-shownCommits).toReversed();
  return {
    total,
    url,
    commits: commits.map(({ sha, html_url, commit, author }) => ({
      sha,
      url: html_url,
      title: redact(commit.message.split("\n", 1)[0] ?? ""),
      by: author?.login ?? commit.author?.name ?? "",
    })),
  };
}
