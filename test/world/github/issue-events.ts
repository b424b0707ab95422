/** What happened to issues, as far as somebody asks for it: their events, and when their text was changed last. */
import { Hono } from "hono";
import { reach, reads, mayReach } from "./access.ts";
import { ApiError, json, paged, type Api, type Context } from "./answer.ts";
import { labelShape } from "./conversation-shapes.ts";
import { issueAt } from "./issue-routes.ts";
import { pick, type Selection } from "./selection.ts";
import { node, repositoryUrl, userShape } from "./shapes.ts";
import type { Issue, IssueEvent } from "./state.ts";
import { findRepository, iso, issueNumbered, type World } from "./world.ts";

function issueEventShape(world: World, issue: Issue, { id, event, actor, at, label, rename }: IssueEvent) {
  return {
    id,
    node_id: node("LE", id),
    url: `${repositoryUrl(world, issue.repository)}/issues/events/${id}`,
    actor: userShape(world, actor),
    event,
    commit_id: null,
    commit_url: null,
    created_at: iso(at),
    performed_via_github_app: null,
    ...(label && { label: { name: label.name, color: labelShape(world, issue.repository, label).color } }),
    ...(rename && { rename }),
  };
}

export function issueEventRoutes(world: World): Api {
  const routes: Api = new Hono();
  routes.get("/repos/:owner/:repo/issues/:number/events", (c) => {
    const issue = issueAt(reach(world, c, reads("issues", "pull_requests")), c);
    return paged(c, issue.events, (each) => issueEventShape(world, issue, each));
  });
  return routes;
}

interface Asked {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly selection: readonly Selection[];
}

/** `repository(owner:, name:) { issue(number:) { lastEditedAt } }`, and the same of a pull request; undefined for any other query. */
export function answerEdited(world: World, context: Context, asked: Asked): Response | undefined {
  const { query, variables, selection } = asked;
  const kind = selection[0]?.inside[0]?.field;
  if (selection[0]?.field !== "repository" || (kind !== "issue" && kind !== "pullRequest")) return undefined;
  if (!/repository\(owner: \$owner, name: \$name\)/.test(query) || !query.includes(`${kind}(number: $number)`))
    return undefined;
  const { owner, name, number } = variables;
  const repository = findRepository(world, `${String(owner)}/${String(name)}`);
  const missing = (message: string, path: readonly string[]): Response =>
    json({ data: { repository: null }, errors: [{ type: "NOT_FOUND", path, message }] });
  try {
    if (repository === undefined) throw new ApiError(404, "Not Found");
    mayReach(context.env.caller, repository, reads("issues", "pull_requests"));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return missing(`Could not resolve to a Repository with the name '${String(owner)}/${String(name)}'.`, [
      "repository",
    ]);
  }
  const issue = issueNumbered(repository, Number(number));
  if (issue === undefined || issue.deleted || (issue.pull === undefined) !== (kind === "issue"))
    return missing(`Could not resolve to an Issue with the number of ${String(number)}.`, ["repository", kind]);
  const lastEditedAt = issue.editedAt === undefined ? null : iso(issue.editedAt);
  return json({ data: pick({ repository: { [kind]: { lastEditedAt } } }, selection, "Query") });
}
