/** The issue itself: found again by number or by its hidden mark, made once, and changed only where we may. */
import type { FailureIssue, IssueThere, Workflow } from "../../core/failures.ts";
import { dayMs, Instant } from "../../core/instant.ts";
import type { Markdown } from "../../core/markdown.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Installed } from "../client.ts";
import { failureOf, isNo } from "../failure.ts";
import { pages, perPage } from "../pages.ts";
import { replyMarker, repoOf, type RepositoryPlace } from "../place.ts";
import { findComment } from "../report/comment.ts";
import { isAbout } from "./body.ts";
import { labelLooks } from "./words.ts";

export type Desk = Installed & { readonly place: RepositoryPlace; readonly appId: number; readonly log: Log };

export type ReadIssue = IssueThere & { readonly body: string };

/** Undefined where it is deleted, was moved to another repository, or issues are switched off. */
export async function readIssue(
  { octokit, place }: Desk,
  { number, id }: Pick<FailureIssue, "number" | "id">,
): Promise<ReadIssue | undefined> {
  try {
    const { data } = await octokit.rest.issues.get({ ...repoOf(place), issue_number: number });
    // Where it was moved to, it has another id.
    if (data.id !== id) return undefined;
    return {
      state: data.state === "open" ? "open" : "closed",
      reason: data.state_reason ?? null,
      closedAt: data.closed_at === null ? undefined : Instant.parse(Date.parse(data.closed_at)),
      body: data.body ?? "",
    };
  } catch (error) {
    const status = failureOf(error)?.status;
    if (status === 404 || status === 410) return undefined;
    throw error;
  }
}

const lookBackMs = 90 * dayMs;
const mostListed = 1000;

export interface FoundIssue extends Pick<FailureIssue, "number" | "id"> {
  readonly state: "open" | "closed";
}

/** Of what changed lately, the oldest that is ours: what was made before a crash, or before the store was lost. */
export async function findIssue(
  { octokit, place, appId }: Desk,
  workflow: Workflow,
  now: Instant,
): Promise<FoundIssue | undefined> {
  const since = new Date(now - lookBackMs).toISOString();
  const listed = pages(async (page) => {
    const ask = { ...repoOf(place), state: "all", since, per_page: perPage, page } as const;
    return (await octokit.rest.issues.listForRepo(ask)).data;
  });
  let found: FoundIssue | undefined;
  let seen = 0;
  for await (const { number, id, state, body, performed_via_github_app: app } of listed) {
    if (app?.id === appId && isAbout(workflow, body ?? "") && (found === undefined || number < found.number))
      found = { number, id, state: state === "open" ? "open" : "closed" };
    if ((seen += 1) >= mostListed) break;
  }
  return found;
}

export async function makeIssue(
  desk: Desk,
  issue: { title: string; body: Markdown; labels: readonly string[] },
): Promise<FoundIssue> {
  const { octokit, writer, place } = desk;
  const labels = [...issue.labels];
  const create = () => octokit.rest.issues.create({ ...repoOf(place), ...issue, labels });
  const { data } = await writer.createNow(create);
  return { number: data.number, id: data.id, state: "open" };
}

export async function makeLabels(desk: Desk, names: readonly string[]): Promise<void> {
  for (const name of names) await makeLabel(desk, name);
}

/** One that is there, or may not be made, is in nobody's way. */
async function makeLabel({ octokit, writer, place, log }: Desk, name: string): Promise<void> {
  try {
    await octokit.rest.issues.getLabel({ ...repoOf(place), name });
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    const look = labelLooks[name] ?? {};
    try {
      await writer.send(() => octokit.rest.issues.createLabel({ ...repoOf(place), name, ...look }));
    } catch (refused) {
      const no = failureOf(refused);
      if (no === undefined || !isNo(no)) throw refused;
      log.warn({ repository: place.repository, label: name, refused: no.message }, "a label cannot be made");
    }
  }
}

export async function editIssue(
  { octokit, writer, place }: Desk,
  number: number,
  edit: { state?: "open" | "closed"; state_reason?: "completed" | "reopened"; body?: Markdown | undefined },
): Promise<void> {
  const { body, ...rest } = edit;
  const change = { ...rest, ...(body === undefined ? {} : { body }) };
  if (Object.keys(change).length === 0) return;
  await writer.send(() => octokit.rest.issues.update({ ...repoOf(place), issue_number: number, ...change }));
}

/** Says it once. A conversation that is locked goes without; its issue says the same. */
export async function comment(
  desk: Desk,
  number: number,
  said: { marker: string; words: Markdown; sinceMs: number },
): Promise<void> {
  const { octokit, writer, place, log } = desk;
  const marker = replyMarker(said.marker);
  const spot = { ...desk, place: { ...place, number } };
  try {
    if ((await findComment(spot, marker, said.sinceMs)) !== undefined) return;
    const body = `${marker}\n${said.words}`;
    await writer.createNow(() => octokit.rest.issues.createComment({ ...repoOf(place), issue_number: number, body }));
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    log.warn({ repository: place.repository, number, refused: failure.message }, "an issue cannot be commented on");
  }
}
