/** Runs of GitHub Actions over REST: enough to say why a workflow failed and since when. */
import { Hono } from "hono";
import { reach, reads } from "./access.ts";
import { json, notFound, numberPart, paged, part, type Api, type Context } from "./answer.ts";
import { node, repositoryShape, repositoryUrl, userShape } from "./shapes.ts";
import { fullName, type Repository, type WorkflowRun } from "./state.ts";
import { iso, type World } from "./world.ts";

const path = "/repos/:owner/:repo/actions";

const workflowId = ({ file }: WorkflowRun): number => 9000 + file.length;

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
    display_title: run.name,
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
    run_number: run.id,
    run_attempt: run.attempt,
    event: run.event,
    status: "completed",
    conclusion: run.conclusion,
    head_branch: run.branch,
    head_sha: run.sha,
    // Empty for forks, and never to be relied on.
    pull_requests: [],
    url,
    html_url: `${world.publicUrl}/${fullName(run.repository)}/actions/runs/${run.id}`,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    created_at: iso(run.createdAt),
    updated_at: iso(run.createdAt),
    run_started_at: iso(run.createdAt),
    repository: repositoryShape(world, run.repository),
    head_repository: repositoryShape(world, run.repository),
  };
}

function jobShape(world: World, run: WorkflowRun) {
  const step = { name: run.job.failedStep ?? "Run", status: "completed", conclusion: run.conclusion, number: 1 };
  const id = run.id * 10;
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
    completed_at: iso(run.createdAt),
    labels: ["ubuntu-latest"],
    runner_id: 1,
    runner_name: "Hosted Agent",
    runner_group_id: 1,
    runner_group_name: "GitHub Actions",
    run_attempt: run.attempt,
    name: run.job.name,
    status: "completed",
    conclusion: run.conclusion,
    head_sha: run.sha,
    html_url: `${world.publicUrl}/${fullName(run.repository)}/actions/runs/${run.id}/job/${id}`,
    steps: [step],
  };
}

export function actionRoutes(world: World): Api {
  const routes: Api = new Hono();
  const of = (c: Context): Repository => reach(world, c, reads("actions"));
  const runOf = (repository: Repository, id: number): WorkflowRun => {
    const found = world.workflowRuns.find((each) => each.repository === repository && each.id === id);
    if (found === undefined) throw notFound();
    return found;
  };
  const list = (c: Context, file?: string): Response => {
    const repository = of(c);
    const [branch, status, event] = [c.req.query("branch"), c.req.query("status"), c.req.query("event")];
    const found = world.workflowRuns.filter(
      (each) =>
        each.repository === repository &&
        (file === undefined || each.file === file || String(workflowId(each)) === file) &&
        (branch === undefined || each.branch === branch) &&
        (event === undefined || each.event === event) &&
        (status === undefined || status === "completed" || each.conclusion === status),
    );
    const wrap = (workflow_runs: readonly unknown[], total_count: number) => ({ total_count, workflow_runs });
    return paged(c, found.toReversed(), (each) => workflowRunShape(world, each), wrap);
  };
  routes.get(`${path}/runs`, (c) => list(c));
  routes.get(`${path}/workflows/:file/runs`, (c) => list(c, part(c, "file")));
  routes.get(`${path}/runs/:id`, (c) => json(workflowRunShape(world, runOf(of(c), numberPart(c, "id")))));
  const jobs = (c: Context): Response => {
    const wrap = (shown: readonly unknown[], total_count: number) => ({ total_count, jobs: shown });
    return paged(c, [runOf(of(c), numberPart(c, "id"))], (each) => jobShape(world, each), wrap);
  };
  routes.get(`${path}/runs/:id/jobs`, jobs);
  routes.get(`${path}/runs/:id/attempts/:attempt/jobs`, jobs);
  // GitHub answers with an address that lives for one minute; here it is the text itself.
  routes.get(`${path}/jobs/:id/logs`, (c) => new Response(runOf(of(c), numberPart(c, "id") / 10).job.log));
  return routes;
}
