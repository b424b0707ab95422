/** Runs of GitHub Actions over REST: enough to say why a workflow failed and since when. */
import { Hono } from "hono";
import { reach, reads } from "./access.ts";
import { json, notFound, numberPart, paged, part, type Api, type Context } from "./answer.ts";
import { limits } from "./limits.ts";
import { node, repositoryShape, repositoryUrl, userShape } from "./shapes.ts";
import { fullName, type Job, type Repository, type WorkflowRun } from "./state.ts";
import { iso, repositoryNamed, type World } from "./world.ts";

const path = "/repos/:owner/:repo/actions";

const workflowId = ({ file }: Pick<WorkflowRun, "file">): number =>
  9000 + [...file].reduce((sum, character, at) => (sum * 31 + character.charCodeAt(0) + at) % 900_000, 0);

/** What a test says of a run; a run that succeeds has one job that does. */
export type FinishedRun = Pick<WorkflowRun, "file" | "name" | "event" | "sha" | "conclusion"> & {
  readonly title?: string;
  /** The default branch unless given. */
  readonly branch?: string;
  readonly jobs?: readonly Job[];
  /** Of the fork that the code is from. */
  readonly from?: string;
  /** A run that is run again. */
  readonly again?: number;
};

/** Numbers count up for each workflow. */
export function finishRun(world: World, repository: Repository, given: FinishedRun): WorkflowRun {
  const { file, conclusion, again, from } = given;
  const ofWorkflow = world.workflowRuns.filter((each) => each.repository === repository && each.file === file);
  const before = ofWorkflow.findLast(({ id }) => id === again);
  const job: Job = { name: "build", conclusion, steps: [{ name: "Run", conclusion }], log: "" };
  const run: WorkflowRun = {
    id: before?.id ?? world.nextId("workflowRun"),
    repository,
    headRepository: from === undefined ? repository : repositoryNamed(world, from),
    file,
    name: given.name,
    title: given.title ?? given.name,
    event: given.event,
    branch: given.branch ?? repository.defaultBranch,
    sha: given.sha,
    number: before?.number ?? Math.max(0, ...ofWorkflow.map(({ number }) => number)) + 1,
    attempt: (before?.attempt ?? 0) + 1,
    conclusion,
    jobs: given.jobs ?? [job],
    createdAt: before?.createdAt ?? world.now(),
    endedAt: world.now(),
  };
  world.workflowRuns.push(run);
  return run;
}

export function workflowShape(world: World, run: WorkflowRun) {
  const { repository, file, name, createdAt } = run;
  const page = `${world.publicUrl}/${fullName(repository)}`;
  return {
    id: workflowId(run),
    node_id: node("W", workflowId(run)),
    name,
    path: `.github/workflows/${file}`,
    state: "active",
    created_at: iso(createdAt),
    updated_at: iso(createdAt),
    url: `${repositoryUrl(world, repository)}/actions/workflows/${workflowId(run)}`,
    html_url: `${page}/actions/workflows/${file}`,
    badge_url: `${page}/workflows/${encodeURIComponent(name)}/badge.svg`,
  };
}

export function workflowRunShape(world: World, run: WorkflowRun) {
  const url = `${repositoryUrl(world, run.repository)}/actions/runs/${run.id}`;
  return {
    id: run.id,
    name: run.name,
    display_title: run.title,
    path: `.github/workflows/${run.file}`,
    workflow_id: workflowId(run),
    workflow_url: `${repositoryUrl(world, run.repository)}/actions/workflows/${workflowId(run)}`,
    node_id: node("WFR", run.id),
    check_suite_id: run.id,
    check_suite_node_id: node("CS", run.id),
    check_suite_url: `${repositoryUrl(world, run.repository)}/check-suites/${run.id}`,
    actor: userShape(world, run.repository.owner),
    triggering_actor: userShape(world, run.repository.owner),
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: null,
    run_number: run.number,
    run_attempt: run.attempt,
    event: run.event,
    status: "completed",
    conclusion: run.conclusion,
    head_branch: run.branch,
    head_sha: run.sha,
    head_commit: {
      id: run.sha,
      tree_id: run.sha,
      message: run.title,
      timestamp: iso(run.createdAt),
      author: { name: "dana", email: "dana@users.noreply.github.com" },
      committer: { name: "GitHub", email: "noreply@github.com" },
    },
    // Empty for forks, and never to be relied on.
    pull_requests: [],
    url,
    html_url: `${world.publicUrl}/${fullName(run.repository)}/actions/runs/${run.id}`,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    created_at: iso(run.createdAt),
    updated_at: iso(run.endedAt),
    run_started_at: iso(run.createdAt),
    repository: repositoryShape(world, run.repository),
    head_repository: repositoryShape(world, run.headRepository),
  };
}

const jobId = (run: WorkflowRun, place: number): number => run.id * 1000 + run.attempt * 100 + place;

function jobShape(world: World, run: WorkflowRun, job: Job) {
  const id = jobId(run, run.jobs.indexOf(job));
  const steps = job.steps.map((step, place) => ({ ...step, status: "completed", number: place + 1 }));
  return {
    id,
    node_id: node("CR", id),
    url: `${repositoryUrl(world, run.repository)}/actions/jobs/${id}`,
    run_id: run.id,
    run_url: `${repositoryUrl(world, run.repository)}/actions/runs/${run.id}`,
    check_run_url: `${repositoryUrl(world, run.repository)}/check-runs/${id}`,
    workflow_name: run.name,
    head_branch: run.branch,
    created_at: iso(run.createdAt),
    started_at: iso(run.createdAt),
    completed_at: iso(run.endedAt),
    labels: ["ubuntu-latest"],
    runner_id: 1,
    runner_name: "Hosted Agent",
    runner_group_id: 1,
    runner_group_name: "GitHub Actions",
    run_attempt: run.attempt,
    name: job.name,
    status: "completed",
    conclusion: job.conclusion,
    head_sha: run.sha,
    html_url: `${world.publicUrl}/${fullName(run.repository)}/actions/runs/${run.id}/job/${id}`,
    steps,
  };
}

/** The newest attempt of each run, newest run first. */
function listRuns(world: World, repository: Repository, c: Context, file?: string): Response {
  const [branch, status, event] = [c.req.query("branch"), c.req.query("status"), c.req.query("event")];
  const of = world.workflowRuns.filter(
    (each) =>
      each.repository === repository && (file === undefined || each.file === file || String(workflowId(each)) === file),
  );
  // A workflow that never was is not found.
  if (file !== undefined && of.length === 0) throw notFound();
  const newest = [...new Map(of.map((each) => [each.id, each])).values()].filter(
    (each) =>
      (branch === undefined || each.branch === branch) &&
      (event === undefined || each.event === event) &&
      (status === undefined || status === "completed" || each.conclusion === status),
  );
  const wrap = (workflow_runs: readonly unknown[], total_count: number) => ({ total_count, workflow_runs });
  const shown = newest.toSorted((one, other) => other.id - one.id);
  return paged(c, shown, (each) => workflowRunShape(world, each), wrap);
}

export function actionRoutes(world: World): Api {
  const routes: Api = new Hono();
  const of = (c: Context): Repository => reach(world, c, reads("actions"));
  const runOf = (repository: Repository, id: number, attempt?: number): WorkflowRun => {
    const found = world.workflowRuns.findLast(
      (each) => each.repository === repository && each.id === id && (attempt === undefined || each.attempt === attempt),
    );
    if (found === undefined) throw notFound();
    return found;
  };
  routes.get(`${path}/runs`, (c) => listRuns(world, of(c), c));
  routes.get(`${path}/workflows/:file/runs`, (c) => listRuns(world, of(c), c, part(c, "file")));
  routes.get(`${path}/runs/:id`, (c) => json(workflowRunShape(world, runOf(of(c), numberPart(c, "id")))));
  const jobs = (c: Context, run: WorkflowRun): Response => {
    const wrap = (shown: readonly unknown[], total_count: number) => ({ total_count, jobs: shown });
    return paged(c, run.jobs, (each) => jobShape(world, run, each), wrap);
  };
  routes.get(`${path}/runs/:id/jobs`, (c) => jobs(c, runOf(of(c), numberPart(c, "id"))));
  routes.get(`${path}/runs/:id/attempts/:attempt/jobs`, (c) =>
    jobs(c, runOf(of(c), numberPart(c, "id"), numberPart(c, "attempt"))),
  );
  routes.get(`${path}/jobs/:id/logs`, (c) => {
    const repository = of(c);
    const id = numberPart(c, "id");
    const log = world.workflowRuns
      .filter((each) => each.repository === repository)
      .flatMap((run) => run.jobs.filter((_, place) => jobId(run, place) === id))[0]?.log;
    if (log === undefined) throw notFound();
    // An address elsewhere that answers for one minute, without a token.
    const name = world.digits(`log ${world.nextId("log")}`, 32);
    world.logAddresses.set(name, { text: log, until: world.now() + limits.logAddressMs });
    return new Response(null, { status: 302, headers: { location: `${new URL(c.req.url).origin}/_logs/${name}` } });
  });
  return routes;
}
