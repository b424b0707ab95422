/** Pull requests and reviews over REST. */
import { Hono } from "hono";
import { z } from "zod";
import { actor, reach, reads, writes } from "./access.ts";
import { json, paged, readBody, type Api } from "./answer.ts";
import { readCommit } from "./branches.ts";
import { changedFiles } from "./changed-files.ts";
import { changedFileShape, commitListShape, headLabel, pullShape } from "./code-shapes.ts";
import * as talk from "./conversations.ts";
import { gitText } from "./git.ts";
import { issueAt } from "./issue-routes.ts";
import * as pulls from "./pulls.ts";
import { reviewCommentShape, reviewShape } from "./conversation-shapes.ts";
import type { Issue } from "./state.ts";
import type { World } from "./world.ts";

const NewPull = z.object({
  title: z.string().min(1),
  head: z.string().min(1),
  base: z.string().min(1),
  body: z.string().nullish(),
  draft: z.boolean().default(false),
  maintainer_can_modify: z.boolean().default(true),
});
const PullEdit = z.object({
  title: z.string().optional(),
  body: z.string().nullish(),
  state: z.enum(["open", "closed"]).optional(),
});
const NewReview = z.object({ body: z.string(), event: z.literal("COMMENT") });
const NewReviewers = z.object({
  reviewers: z.array(z.string()).default([]),
  team_reviewers: z.array(z.string()).default([]),
});
const NewReply = z.object({ body: z.string().min(1) });

export function pullRoutes(world: World): Api {
  const routes: Api = new Hono();
  const path = "/repos/:owner/:repo/pulls";
  const shape = (issue: Issue) => pullShape(world, issue, pulls.pullOf(issue));
  const between = ({ base, head }: ReturnType<typeof pulls.pullOf>): string => `${base.sha}..${head.sha}`;
  routes.get(path, (c) => {
    const repository = reach(world, c, reads("pull_requests"));
    const [state, head, base] = [c.req.query("state") ?? "open", c.req.query("head"), c.req.query("base")];
    const found = repository.issues.filter(
      ({ pull, ...issue }) =>
        pull !== undefined &&
        (state === "all" || issue.state === state) &&
        (head === undefined || headLabel(pull) === head) &&
        (base === undefined || pull.base.branch === base),
    );
    return paged(c, found.toReversed(), shape);
  });
  routes.post(path, async (c) => {
    const repository = reach(world, c, writes("pull_requests"));
    const made = await readBody(c, NewPull);
    const issue = await pulls.openPull(world, repository, actor(world, c), {
      title: made.title,
      body: made.body ?? "",
      head: pulls.headNamed(world, repository, made.head),
      base: made.base,
      draft: made.draft,
      maintainerCanModify: made.maintainer_can_modify,
    });
    return json(shape(issue), 201);
  });
  routes.get(`${path}/:number`, (c) => json(shape(issueAt(reach(world, c, reads("pull_requests")), c))));
  routes.patch(`${path}/:number`, async (c) => {
    const issue = issueAt(reach(world, c, writes("pull_requests")), c);
    pulls.pullOf(issue);
    const { title, body, state } = await readBody(c, PullEdit);
    talk.editIssue(world, issue, actor(world, c), {
      ...(title !== undefined && { title }),
      ...(body !== undefined && { body: body ?? "" }),
      ...(state !== undefined && { state }),
    });
    return json(shape(issue));
  });
  routes.get(`${path}/:number/files`, async (c) => {
    const repository = reach(world, c, reads("pull_requests"));
    const { base, head } = pulls.pullOf(issueAt(repository, c));
    const from = await gitText(repository.directory, ["merge-base", base.sha, head.sha]);
    return paged(c, await changedFiles(repository.directory, from, head.sha), (each) =>
      changedFileShape(world, repository, head.sha, each),
    );
  });
  routes.get(`${path}/:number/commits`, async (c) => {
    const repository = reach(world, c, reads("pull_requests"));
    const range = between(pulls.pullOf(issueAt(repository, c)));
    const shas = (await gitText(repository.directory, ["rev-list", "--reverse", range])).split("\n").filter(Boolean);
    const commits = await Promise.all(shas.map((sha) => readCommit(repository, sha)));
    return paged(c, commits, (each) => commitListShape(world, repository, each));
  });
  routes.post(`${path}/:number/requested_reviewers`, async (c) => {
    const issue = issueAt(reach(world, c, writes("pull_requests")), c);
    pulls.askReviewers(world, issue, await readBody(c, NewReviewers));
    return json(shape(issue), 201);
  });
  reviewRoutes(world, routes);
  return routes;
}

function reviewRoutes(world: World, routes: Api): void {
  const path = "/repos/:owner/:repo/pulls/:number";
  routes.get(`${path}/reviews`, (c) => {
    const issue = issueAt(reach(world, c, reads("pull_requests")), c);
    return paged(c, pulls.pullOf(issue).reviews, (each) => reviewShape(world, issue, each));
  });
  routes.post(`${path}/reviews`, async (c) => {
    const issue = issueAt(reach(world, c, writes("pull_requests")), c);
    const { body } = await readBody(c, NewReview);
    const review = pulls.addReview(world, issue, actor(world, c), { body, state: "commented" });
    return json(reviewShape(world, issue, review));
  });
  routes.get(`${path}/comments`, (c) => {
    const issue = issueAt(reach(world, c, reads("pull_requests")), c);
    return paged(c, pulls.pullOf(issue).reviewComments, (each) => reviewCommentShape(world, issue, each));
  });
  routes.post(`${path}/comments/:id/replies`, async (c) => {
    const issue = issueAt(reach(world, c, writes("pull_requests")), c);
    const { body } = await readBody(c, NewReply);
    const first = pulls.reviewCommentOf(issue, Number(c.req.param("id")));
    const { path, line } = first;
    const made = { path, line, body, inReplyTo: first.id };
    const comment = pulls.addReviewComment(world, issue, actor(world, c), made);
    return json(reviewCommentShape(world, issue, comment), 201);
  });
}
