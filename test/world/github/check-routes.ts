/** Check runs and suites over REST. Only the App's own runs can be changed. */
import { Hono } from "hono";
import { needToken, reach, reads, writes } from "./access.ts";
import { ApiError, json, notFound, numberPart, paged, part, readBody, type Api, type Context } from "./answer.ts";
import { announceCheck, CheckEdit, createCheck, NewCheck, updateCheck } from "./checks.ts";
import { checkRunShape, checkSuiteShape } from "./code-shapes.ts";
import { commitOf } from "./git.ts";
import type { CheckRun, Repository } from "./state.ts";
import type { World } from "./world.ts";

function runAt(repository: Repository, context: Context): CheckRun {
  const found = repository.checkRuns.find((each) => each.id === numberPart(context, "id"));
  if (found === undefined) throw notFound();
  return found;
}

async function commitNamed(repository: Repository, context: Context): Promise<string> {
  const name = part(context, "ref");
  const sha = await commitOf(repository.directory, name);
  if (sha === undefined) throw new ApiError(422, `No commit found for SHA: ${name}`);
  return sha;
}

/** `filter=latest`, the default, shows the newest run of each name and app. */
function filtered(context: Context, runs: readonly CheckRun[]): CheckRun[] {
  const query = (name: string): string | undefined => context.req.query(name);
  const found = runs.filter(
    (each) =>
      (query("check_name") ?? each.name) === each.name &&
      (query("status") ?? each.status) === each.status &&
      (query("app_id") ?? String(each.app.id)) === String(each.app.id),
  );
  if (query("filter") === "all") return found.toReversed();
  const newest = new Map(found.map((each) => [`${each.app.id} ${each.name}`, each]));
  return [...newest.values()].toReversed();
}

export function checkRoutes(world: World): Api {
  const routes: Api = new Hono();
  const path = "/repos/:owner/:repo";
  const list = (c: Context, runs: readonly CheckRun[]): Response =>
    paged(
      c,
      filtered(c, runs),
      (each) => checkRunShape(world, each),
      (check_runs, total_count) => ({ total_count, check_runs }),
    );
  routes.post(`${path}/check-runs`, async (c) => {
    const repository = reach(world, c, writes("checks"));
    needToken(c);
    const run = await createCheck(world, repository, world.app, await readBody(c, NewCheck));
    return json(checkRunShape(world, run), 201);
  });
  routes.get(`${path}/check-runs/:id`, (c) => json(checkRunShape(world, runAt(reach(world, c, reads("checks")), c))));
  routes.patch(`${path}/check-runs/:id`, async (c) => {
    const run = runAt(reach(world, c, writes("checks")), c);
    updateCheck(world, run, world.app, await readBody(c, CheckEdit));
    return json(checkRunShape(world, run));
  });
  routes.get(`${path}/check-runs/:id/annotations`, (c) =>
    paged(c, runAt(reach(world, c, reads("checks")), c).annotations, (each) => ({
      start_column: null,
      end_column: null,
      title: null,
      raw_details: null,
      ...each,
      blob_href: `${world.publicUrl}/${part(c, "owner")}/${part(c, "repo")}/blob/${each.path}`,
    })),
  );
  routes.post(`${path}/check-runs/:id/rerequest`, (c) => {
    const run = runAt(reach(world, c, writes("checks")), c);
    announceCheck(world, run, "rerequested", world.app.bot);
    return json({}, 201);
  });
  routes.get(`${path}/commits/:ref{.+}/check-runs`, async (c) => {
    const repository = reach(world, c, reads("checks"));
    const sha = await commitNamed(repository, c);
    return list(
      c,
      repository.checkRuns.filter((each) => each.sha === sha),
    );
  });
  routes.get(`${path}/commits/:ref{.+}/check-suites`, async (c) => {
    const repository = reach(world, c, reads("checks"));
    const sha = await commitNamed(repository, c);
    const found = repository.checkSuites.filter((each) => each.sha === sha);
    const wrap = (check_suites: readonly unknown[], total_count: number) => ({ total_count, check_suites });
    return paged(c, found, (each) => checkSuiteShape(world, repository, each), wrap);
  });
  routes.get(`${path}/check-suites/:id/check-runs`, (c) => {
    const repository = reach(world, c, reads("checks"));
    return list(
      c,
      repository.checkRuns.filter((each) => each.suite.id === numberPart(c, "id")),
    );
  });
  return routes;
}
