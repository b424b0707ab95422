/** Labels as an issue or a pull request bears them now. */
import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import { Instant } from "../../core/instant.ts";
import type { IssuePlace } from "../../core/task.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Installed } from "../client.ts";
import { failureOf, isNo, orUndefined } from "../failure.ts";
import { pages, perPage } from "../pages.ts";
import { repoOf } from "../place.ts";

/** GitHub allows a hundred on one. */
const allOfThem = 100;

export async function labelOn(
  installed: Installed,
  place: IssuePlace,
  label: string,
): Promise<{ by: number; at: Instant } | "somebody" | undefined> {
  const { octokit } = installed;
  const ask = { ...repoOf(place), issue_number: place.number, per_page: allOfThem };
  const isIt = (name: string | undefined): boolean => name?.toLowerCase() === label.toLowerCase();
  try {
    const found = await orUndefined(octokit.rest.issues.listLabelsOnIssue(ask));
    if (found?.data.some(({ name }) => isIt(name)) !== true) return undefined;
    const events = await eventsOf(octokit, place);
    const put = events.findLast((event) => event.event === "labeled" && isIt(event.label?.name));
    return put?.actor ? { by: put.actor.id, at: Instant.parse(Date.parse(put.created_at)) } : "somebody";
  } catch (error) {
    // It was deleted.
    if (failureOf(error)?.status === 410) return undefined;
    throw error;
  }
}

const IssueEvent = z.object({
  event: z.string(),
  created_at: z.string(),
  actor: z.object({ id: z.int(), login: z.string(), type: z.string() }).nullable(),
  label: z.object({ name: z.string() }).optional(),
});
export type IssueEvent = z.output<typeof IssueEvent>;

/** What happened to it, old to new. */
export async function eventsOf(
  octokit: Octokit,
  on: { readonly repository: { readonly owner: string; readonly name: string }; readonly number: number },
): Promise<IssueEvent[]> {
  const all = pages(async (page) => {
    const ask = { ...repoOf(on), issue_number: on.number, per_page: perPage, page };
    return (await octokit.rest.issues.listEvents(ask)).data;
  });
  const events: IssueEvent[] = [];
  for await (const event of all) {
    const read = IssueEvent.safeParse(event).data;
    if (read !== undefined) events.push(read);
  }
  return events;
}

export async function removeLabel(
  { octokit, writer }: Installed,
  { place, label, log }: { place: IssuePlace; label: string; log: Log },
): Promise<void> {
  const ask = { ...repoOf(place), issue_number: place.number, name: label };
  try {
    await writer.send(() => octokit.rest.issues.removeLabel(ask));
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    if (failure.status !== 404)
      log.warn({ repository: place.repository, number: place.number, refused: failure.message }, "a label stays");
  }
}
