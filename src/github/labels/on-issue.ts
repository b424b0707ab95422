/** Labels as an issue or a pull request bears them now. */
import type { IssuePlace } from "../../core/task.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Installed } from "../client.ts";
import { failureOf, isNo, orUndefined } from "../failure.ts";
import { repoOf } from "../place.ts";

/** GitHub allows a hundred on one. */
const allOfThem = 100;

export async function hasLabel({ octokit }: Installed, place: IssuePlace, label: string): Promise<boolean> {
  const ask = { ...repoOf(place), issue_number: place.number, per_page: allOfThem };
  try {
    const found = await orUndefined(octokit.rest.issues.listLabelsOnIssue(ask));
    return found?.data.some(({ name }) => name.toLowerCase() === label.toLowerCase()) ?? false;
  } catch (error) {
    // It was deleted.
    if (failureOf(error)?.status === 410) return false;
    throw error;
  }
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
