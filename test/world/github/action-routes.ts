/** Runs of GitHub Actions over REST: enough to say why a workflow failed and since when. */
import { Hono } from "hono";
import { reach, reads } from "./access.ts";
import { json, notFound, numberPart, paged, part, type Api, type Context } from "./answer.ts";
import { repositoryShape, repositoryUrl } from "./shapes.ts";
import { fullName, type Repository, type WorkflowRun } from "./state.ts";
import { iso, type World } from "./world.ts";

const path = "/repos/:owner/:repo/actions";

export const workflowShape = ({ repository, file, name }: WorkflowRun) => ({
  id: 9000 + file.length,
  name,
  path: `.github/workflows/${file}`,
  state: "active",
  html_url: `https://github.invalid/${fullName(repository)}/actions/workflows/${file}`,
});

export function workflowRunShape(world: World, run: WorkflowRun) {
  const url = `${repositoryUrl(world, run.repository)}/actions/runs/${run.id}`;
  return {
    id: run.id,
    name: run.name,
    display_title: run.name,
    path: `.github/workflows/${run.file}`,
    workflow_id: workflowShape(run).id,
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
  return {
    id: run.id * 10,
    run_id: run.id,
    run_attempt: run.attempt,
    name: run.job.name,
    status: "completed",
    conclusion: run.conclusion,
    head_sha: run.sha,
    html_url: `${world.publicUrl}/${fullName(run.repository)}/actions/runs/${run.id}/job/${run.id * 10}`,
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
        (file === undefined || each.file === file || String(workflowShape(each).id) === file) &&
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
