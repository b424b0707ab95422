/** The one comment of a task: found by its hidden first line, edited in place, made where there is none. */
import type { ReportPlace } from "../../core/ports/forge.ts";
import { minuteMs } from "../../core/instant.ts";
import type { IssuePlace } from "../../core/task.ts";
import { failureOf, isNo } from "../failure.ts";
import type { Installed } from "../client.ts";
import { pages, perPage } from "../pages.ts";
import { repoOf, type RepositoryPlace } from "../place.ts";

/** Where comments are looked for. */
export type CommentSpot = Installed & {
  readonly place: RepositoryPlace & { readonly number: number };
  readonly appId: number;
};

export type Spot = Installed & {
  readonly place: IssuePlace;
  readonly appId: number;
};
/** Our own clock may be ahead of GitHub's. */
const clockMarginMs = 10 * minuteMs;

/**
 * The id of our comment with this first line, among those written or edited since then (milliseconds since 1970).
 * Others may copy the line, so the author is looked at too.
 */
export async function findComment(spot: CommentSpot, marker: string, sinceMs: number): Promise<number | undefined> {
  const { octokit, place, appId } = spot;
  const since = new Date(sinceMs - clockMarginMs).toISOString();
  const comments = pages(async (page) => {
    const ask = { ...repoOf(place), issue_number: place.number, since, per_page: perPage, page };
    return (await octokit.rest.issues.listComments(ask)).data;
  });
  for await (const { id, body, performed_via_github_app: app } of comments)
    if (app?.id === appId && body?.startsWith(marker) === true) return id;
  return undefined;
}

export type CommentUpdate = {
  readonly marker: string;
  readonly body: string;
  readonly sinceMs: number;
  readonly shown: Map<string, string>;
};

/** Brings the comment up to date. `shown` holds what was last sent, so that the same words are not sent twice. */
export async function putComment(spot: Spot, at: ReportPlace, update: CommentUpdate): Promise<ReportPlace> {
  if (at.blocked !== undefined) return at;
  const { octokit, writer, place } = spot;
  const { marker, body, sinceMs, shown } = update;
  const repo = repoOf(place);
  try {
    const known = at.comment ?? (await findComment(spot, marker, sinceMs));
    if (known === undefined) {
      const create = () => octokit.rest.issues.createComment({ ...repo, issue_number: place.number, body });
      const { data } = await writer.createInTurn(marker, create);
      shown.set(marker, body);
      return { ...at, comment: data.id };
    }
    if (shown.get(marker) !== body) {
      await writer.send(() => octokit.rest.issues.updateComment({ ...repo, comment_id: known, body }));
      shown.set(marker, body);
    }
    return { ...at, comment: known };
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    // Locked, blocked, deleted: asking again would only hold up the reports of others.
    return { ...at, blocked: failure.message };
  }
}
