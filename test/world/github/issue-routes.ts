/** Issues, comments, labels, locks and reactions over REST. */
import { Hono } from "hono";
import { z } from "zod";
import { actor, mayReach, reach, reads, writes } from "./access.ts";
import {
  ApiError,
  json,
  notFound,
  nothing,
  numberPart,
  paged,
  part,
  readBody,
  type Api,
  type Context,
} from "./answer.ts";
import * as talk from "./conversations.ts";
import { commentShape, issueShape, labelShape, reactionShape } from "./conversation-shapes.ts";
import { fullName, type Comment, type Issue, type Reaction, type Repository, type ReviewComment } from "./state.ts";
import { issueNumbered, type World } from "./world.ts";

const talks = ["issues", "pull_requests"] as const;

/** The issue that the route names. Throws 404, or 410 where it was deleted or issues are switched off. */
export function issueAt(repository: Repository, context: Context): Issue {
  const found = issueNumbered(repository, numberPart(context, "number"));
  if (found === undefined) throw notFound();
  if (found.deleted) throw new ApiError(410, "This issue was deleted");
  if (found.movedTo !== undefined) throw movedTo(found.movedTo, context);
  if (found.pull === undefined) withIssues(repository);
  return found;
}

function movedTo({ repository, number }: Issue, context: Context): ApiError {
  const location = `${context.env.origin}/repos/${fullName(repository)}/issues/${number}`;
  return new ApiError(301, "Moved Permanently", { url: location }, { location });
}

function withIssues(repository: Repository): void {
  if (!repository.hasIssues) throw new ApiError(410, "Issues has been disabled in this repository.");
}

function commentAt(repository: Repository, context: Context): Comment {
  const id = numberPart(context, "id");
  const found = repository.issues.flatMap((each) => each.comments).find((each) => each.id === id);
  if (found === undefined || found.issue.deleted) throw notFound();
  return found;
}

const NewIssue = z.object({ title: z.string(), body: z.string().nullish(), labels: z.array(z.string()).default([]) });
const IssueEdit = z.object({
  title: z.string().optional(),
  body: z.string().nullish(),
  state: z.enum(["open", "closed"]).optional(),
  state_reason: z.enum(["completed", "not_planned", "reopened", "duplicate"]).nullish(),
  labels: z.array(z.string()).optional(),
});
const Body = z.object({ body: z.string() });
const Labels = z.union([
  z.array(z.string()),
  z.object({ labels: z.array(z.string()) }).transform((each) => each.labels),
]);

async function editIssue(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, writes(...talks));
  const issue = issueAt(repository, context);
  const by = actor(world, context);
  const edit = await readBody(context, IssueEdit);
  talk.editIssue(world, issue, by, {
    ...(edit.title !== undefined && { title: edit.title }),
    ...(edit.body !== undefined && { body: edit.body ?? "" }),
    ...(edit.state !== undefined && { state: edit.state }),
    ...(typeof edit.state_reason === "string" && { stateReason: edit.state_reason }),
  });
  if (edit.labels !== undefined) {
    for (const { name } of issue.labels) if (!edit.labels.includes(name)) talk.removeLabel(world, issue, by, name);
    talk.addLabels(world, issue, by, edit.labels);
  }
  return json(issueShape(world, issue));
}

function listIssues(world: World, context: Context): Response {
  const repository = reach(world, context, reads(...talks));
  withIssues(repository);
  const state = context.req.query("state") ?? "open";
  const labels = context.req.query("labels")?.split(",") ?? [];
  const creator = context.req.query("creator");
  const since = Date.parse(context.req.query("since") ?? "1970-01-01T00:00:00Z");
  const found = repository.issues.filter(
    (each) =>
      !each.deleted &&
      each.movedTo === undefined &&
      each.updatedAt >= since &&
      (state === "all" || each.state === state) &&
      (creator === undefined || each.author.login === creator) &&
      labels.every((name) => each.labels.some((label) => label.name === name)),
  );
  return paged(context, found.toReversed(), (each) => issueShape(world, each));
}

type Reactable = { readonly issue: Issue; readonly on: { readonly reactions: Reaction[] } };

/** Reactions in a pull request need its own permission, those in an issue the issues'. */
function reactionRoutes(
  world: World,
  routes: Api,
  path: string,
  find: (repository: Repository, context: Context) => Reactable,
): void {
  const need = ({ issue }: Reactable): string => (issue.pull === undefined ? "issues" : "pull_requests");
  routes.get(`${path}/reactions`, (c) => {
    const { on } = find(reach(world, c, reads(...talks)), c);
    const wanted = c.req.query("content");
    const found = on.reactions.filter((each) => wanted === undefined || each.content === wanted);
    return paged(c, found, (each) => reactionShape(world, each));
  });
  routes.post(`${path}/reactions`, async (c) => {
    const repository = reach(world, c, writes(...talks));
    const target = find(repository, c);
    mayReach(c.env.caller, repository, writes(need(target)));
    const { content } = await readBody(c, z.object({ content: z.string() }));
    const { reaction, isNew } = talk.react(world, target.issue, target.on, actor(world, c), content);
    return json(reactionShape(world, reaction), isNew ? 201 : 200);
  });
  routes.delete(`${path}/reactions/:reaction`, (c) => {
    const { on } = find(reach(world, c, writes(...talks)), c);
    const place = on.reactions.findIndex((each) => each.id === numberPart(c, "reaction"));
    if (on.reactions[place]?.author !== actor(world, c)) throw notFound();
    on.reactions.splice(place, 1);
    return nothing();
  });
}

function labelRoutes(world: World, routes: Api): void {
  const path = "/repos/:owner/:repo/issues/:number/labels";
  const shown = (issue: Issue): Response => json(issue.labels.map((each) => labelShape(world, issue.repository, each)));
  routes.get(path, (c) => shown(issueAt(reach(world, c, reads(...talks)), c)));
  routes.post(path, async (c) => {
    const issue = issueAt(reach(world, c, writes(...talks)), c);
    talk.addLabels(world, issue, actor(world, c), await readBody(c, Labels));
    return shown(issue);
  });
  routes.delete(`${path}/:name`, (c) => {
    const issue = issueAt(reach(world, c, writes(...talks)), c);
    talk.removeLabel(world, issue, actor(world, c), part(c, "name"));
    return shown(issue);
  });
  routes.get("/repos/:owner/:repo/labels", (c) => {
    const repository = reach(world, c, reads(...talks));
    return paged(c, repository.labels, (each) => labelShape(world, repository, each));
  });
  routes.get("/repos/:owner/:repo/labels/:name", (c) => {
    const repository = reach(world, c, reads(...talks));
    const found = repository.labels.find((each) => each.name.toLowerCase() === part(c, "name").toLowerCase());
    if (found === undefined) throw notFound();
    return json(labelShape(world, repository, found));
  });
  routes.post("/repos/:owner/:repo/labels", async (c) => {
    const repository = reach(world, c, writes(...talks));
    const made = await readBody(
      c,
      z.object({ name: z.string().min(1), color: z.string().optional(), description: z.string().nullish() }),
    );
    if (repository.labels.some((each) => each.name.toLowerCase() === made.name.toLowerCase()))
      throw new ApiError(422, "Validation Failed", {
        errors: [{ resource: "Label", code: "already_exists", field: "name" }],
      });
    const label = talk.labelOf(world, repository, made.name);
    label.color = made.color ?? label.color;
    label.description = made.description ?? "";
    return json(labelShape(world, repository, label), 201);
  });
}

function commentRoutes(world: World, routes: Api): void {
  const path = "/repos/:owner/:repo/issues";
  const since = (c: Context): number => Date.parse(c.req.query("since") ?? "1970-01-01T00:00:00Z");
  routes.get(`${path}/comments`, (c) => {
    const repository = reach(world, c, reads(...talks));
    const found = repository.issues.flatMap((each) => each.comments).filter((each) => each.updatedAt >= since(c));
    if (c.req.query("sort") === "updated") found.sort((one, other) => one.updatedAt - other.updatedAt);
    return paged(c, c.req.query("direction") === "desc" ? found.toReversed() : found, (each) =>
      commentShape(world, each),
    );
  });
  routes.get(`${path}/comments/:id`, (c) => json(commentShape(world, commentAt(reach(world, c, reads(...talks)), c))));
  routes.patch(`${path}/comments/:id`, async (c) => {
    const comment = commentAt(reach(world, c, writes(...talks)), c);
    talk.editComment(world, comment, actor(world, c), (await readBody(c, Body)).body);
    return json(commentShape(world, comment));
  });
  routes.delete(`${path}/comments/:id`, (c) => {
    talk.deleteComment(world, commentAt(reach(world, c, writes(...talks)), c), actor(world, c));
    return nothing();
  });
  routes.get(`${path}/:number/comments`, (c) => {
    const found = issueAt(reach(world, c, reads(...talks)), c).comments.filter((each) => each.updatedAt >= since(c));
    return paged(c, found, (each) => commentShape(world, each));
  });
  routes.post(`${path}/:number/comments`, async (c) => {
    const issue = issueAt(reach(world, c, writes(...talks)), c);
    const { body } = await readBody(c, Body);
    const comment = talk.addComment(world, issue, actor(world, c), body);
    const shape = commentShape(world, comment);
    return json(shape, 201, { location: shape.url });
  });
}

export function issueRoutes(world: World): Api {
  const routes: Api = new Hono();
  const path = "/repos/:owner/:repo/issues";
  commentRoutes(world, routes);
  labelRoutes(world, routes);
  reactionRoutes(world, routes, `${path}/comments/:id`, (repository, c) => {
    const on = commentAt(repository, c);
    return { issue: on.issue, on };
  });
  reactionRoutes(world, routes, `${path}/:number`, (repository, c) => {
    const on = issueAt(repository, c);
    return { issue: on, on };
  });
  reactionRoutes(world, routes, "/repos/:owner/:repo/pulls/comments/:id", (repository, c) => {
    const isIt = (each: ReviewComment): boolean => each.id === numberPart(c, "id");
    const issue = repository.issues.find((each) => each.pull?.reviewComments.some(isIt));
    const on = issue?.pull?.reviewComments.find(isIt);
    if (issue === undefined || on === undefined) throw notFound();
    return { issue, on };
  });
  routes.get(path, (c) => listIssues(world, c));
  routes.post(path, async (c) => {
    const repository = reach(world, c, writes("issues"));
    withIssues(repository);
    const made = await readBody(c, NewIssue);
    const issue = talk.addIssue(world, repository, actor(world, c), { ...made, body: made.body ?? "" });
    return json(issueShape(world, issue), 201);
  });
  routes.get(`${path}/:number`, (c) => json(issueShape(world, issueAt(reach(world, c, reads(...talks)), c))));
  routes.patch(`${path}/:number`, (c) => editIssue(world, c));
  routes.put(`${path}/:number/lock`, (c) => {
    talk.setLock(world, issueAt(reach(world, c, writes(...talks)), c), actor(world, c), "locked");
    return nothing();
  });
  routes.delete(`${path}/:number/lock`, (c) => {
    talk.setLock(world, issueAt(reach(world, c, writes(...talks)), c), actor(world, c), "unlocked");
    return nothing();
  });
  return routes;
}
