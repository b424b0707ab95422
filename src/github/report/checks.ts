/** The check runs of a task: one for each commit that it reports on, found by the task's id, never left unconcluded. */
import type { ReportPlace, TaskView } from "../../core/ports/forge.ts";
import { isEnded, type Task } from "../../core/task.ts";
import { conclusionOf, standings } from "../../core/standing.ts";
import { failureOf, isNo } from "../failure.ts";
import { pages, perPage } from "../pages.ts";
import { pullRef } from "../pin.ts";
import { placeOf, repoOf } from "../place.ts";
import type { Spot } from "./comment.ts";
import type { CheckWords } from "./words.ts";

const checkName = "parhelia";

/**
 * Commits that bear a check run of the task: the head that it was given, and its own commit once that is published.
 * An issue task starts from a commit of a branch that is not ours, and nothing is written there.
 */
export function checkedCommits(task: Task): string[] {
  const given = task.base?.fetchRef === pullRef(placeOf(task)) ? [task.base.sha] : [];
  const made = isEnded(task) && task.published !== undefined ? [task.published.sha] : [];
  return [...new Set<string>([...given, ...made])];
}

export type CheckUpdate = {
  readonly view: TaskView;
  readonly sha: string;
  readonly words: CheckWords;
  readonly detailsUrl: string | undefined;
  readonly shown: Map<string, string>;
};

/** Answers GitHub's reason in `refused` where it will not have one; the comment has the same words. */
export async function putCheck(
  spot: Spot,
  at: ReportPlace,
  update: CheckUpdate,
): Promise<{ place: ReportPlace; refused?: string }> {
  const { octokit, writer, place } = spot;
  const { sha, shown, view } = update;
  const repo = repoOf(place);
  const fields = checkFields(update);
  const text = JSON.stringify(fields);
  const key = `${runOf(view.task)} ${sha}`;
  try {
    const slot = slotOf(view.task, sha);
    const known = at.checks[slot] ?? (await findCheck(spot, { name: checkName, externalId: runOf(view.task), sha }));
    if (known === undefined) {
      const { data } = await writer.send(() =>
        octokit.rest.checks.create({ ...repo, name: checkName, head_sha: sha, ...fields }),
      );
      shown.set(key, text);
      return { place: withCheck(at, slot, data.id) };
    }
    if (shown.get(key) !== text) {
      await writer.send(() => octokit.rest.checks.update({ ...repo, check_run_id: known, ...fields }));
      shown.set(key, text);
    }
    return { place: withCheck(at, slot, known) };
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    return { place: at, refused: failure.message };
  }
}

const withCheck = (at: ReportPlace, slot: string, id: number): ReportPlace => ({
  ...at,
  checks: { ...at.checks, [slot]: id },
});

/** A check run that is completed stays so: a retry gets one of its own. */
const runOf = ({ id, attemptsBefore }: Task): string => (attemptsBefore === 0 ? id : `${id}/${attemptsBefore}`);
const slotOf = ({ attemptsBefore }: Task, sha: string): string =>
  attemptsBefore === 0 ? sha : `${sha}/${attemptsBefore}`;

/** Our check run of a commit by what it is about. */
export async function findCheck(
  { octokit, place, appId }: Spot,
  wanted: { readonly name: string; readonly externalId: string; readonly sha: string },
): Promise<number | undefined> {
  const runs = pages(async (page) => {
    // `latest`, the default, would hide the runs of older tasks on the same commit.
    const which = { ref: wanted.sha, check_name: wanted.name, filter: "all" as const };
    return (await octokit.rest.checks.listForRef({ ...repoOf(place), ...which, per_page: perPage, page })).data
      .check_runs;
  });
  for await (const { id, external_id, app } of runs)
    if (external_id === wanted.externalId && app?.id === appId) return id;
  return undefined;
}

const iso = (instant: number): string => new Date(instant).toISOString();

function checkFields({ view, words, detailsUrl }: CheckUpdate) {
  const { task } = view;
  const conclusion = conclusionOf(task);
  const begun = ("startedAt" in task ? task.startedAt : undefined) ?? task.createdAt;
  const fields = {
    external_id: runOf(task),
    started_at: iso(begun),
    output: { title: words.title, summary: words.summary },
    ...(detailsUrl === undefined ? {} : { details_url: detailsUrl }),
  };
  if (!isEnded(task) || conclusion === undefined) return { ...fields, status: standings[task.state].check };
  return { ...fields, status: "completed" as const, conclusion, completed_at: iso(task.endedAt) };
}
