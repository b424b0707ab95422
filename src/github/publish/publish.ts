/**
 * From the result of an attempt to commits of the app and a pull request. Nothing here needs the sandbox, so that a
 * publish that failed half-way is simply asked for again: each step first looks whether it was done.
 */
import { attemptId, type AttemptId } from "../../core/ids.ts";
import type { PublishRequest } from "../../core/ports/forge.ts";
import { Refusal } from "../../core/refusal.ts";
import type { Published, Task } from "../../core/task.ts";
import { finishByPolicy } from "./by-policy.ts";
import { calmTitle, commitWords } from "./attribution.ts";
import { changedPaths, readChanges, type Changes } from "../../core/changes.ts";
import { commitChanges } from "./commits.ts";
import { isWorkflow } from "../../core/paths.ts";
import { placeOf } from "../place.ts";
import { pullRequestBody, workflowRefusal } from "./words.ts";
import { offer } from "./pull-request.ts";
import { asItIsNow } from "./repository.ts";
import { chooseTarget, type Target } from "./target.ts";
import type { Hand } from "./tree-commit.ts";
import { workflowPatch } from "./workflow-patch.ts";

export type Publisher = {
  readonly webUrl: string;
  readonly unique: () => string;
  /** Asks GitHub: an app's rights grow when its owner and the installation's agree. */
  readonly mayChangeWorkflows: () => Promise<boolean>;
};

/** Throws a `Refusal` for what may not be published, with GitHub's own words where it said so. */
export async function publish(given: Hand, publisher: Publisher, request: PublishRequest): Promise<Published> {
  const { task } = request.view;
  const changes = await readChanges(request.changes());
  if (changedPaths(changes).length === 0) throw new Refusal("There is nothing to publish: the result changes no file.");
  const attempt = attemptOf(request);
  const hand = await asItIsNow(given, task);
  // Not half a result: what remains may not work without the file that is left out.
  if (changedPaths(changes).some(isWorkflow) && !(await publisher.mayChangeWorkflows()))
    throw new Refusal(
      workflowRefusal(task, request.base, changes, await workflowPatch(hand, request.base.sha, changes)),
    );
  const target = await chooseTarget(hand, request, attempt, changes);
  const committed =
    target.do === "nothing"
      ? { sha: target.sha, notes: [] }
      : await commitChanges(hand, {
          target,
          attempt,
          changes,
          words: commitWords(task, attempt, publisher.webUrl),
          mutationId: publisher.unique(),
        });
  const notes = [...target.notes, ...committed.notes, ...submoduleNotes(changes)];
  const made = { branch: target.branch, sha: committed.sha, ...(await sizeOf(hand, committed.sha, changes)) };
  if (!target.isOwn) return { ...made, ...existing(hand, task, publisher), notes };
  const branchUrl = `${repositoryUrl(hand, publisher)}/tree/${target.branch}`;
  if (request.as === "branch") return { ...made, url: branchUrl, pullRequest: null, notes };
  const offered = await propose(hand, request, target, notes);
  if ("refused" in offered) {
    const refused = `The branch is there, but GitHub refused the pull request: “${offered.refused}”`;
    return { ...made, url: branchUrl, pullRequest: null, notes: [...notes, refused] };
  }
  // It was opened by an earlier run, which did not come to its end.
  const ready = "It is a draft still: mark it ready for review when you have looked at it.";
  const more = offered.draft && request.as === "pull-request" && task.policy?.draft !== true ? [ready] : [];
  if (offered.isOpen && task.policy !== undefined)
    more.push(...(await finishByPolicy(hand, offered.number, task.policy)));
  return { ...made, url: offered.url, pullRequest: offered.number, notes: [...notes, ...more] };
}

/** The attempt whose result this is; a repeated call must find the commits of the same one. */
const attemptOf = ({ view: { attempt, task } }: PublishRequest): AttemptId =>
  attempt?.id ?? attemptId(task.id, Math.max(task.attempts, 1));

const unfinished = "Not finished: it reached what the task may cost, and this is what it had done by then.";

function propose(hand: Hand, { as, base, view }: PublishRequest, { branch, into }: Target, notes: readonly string[]) {
  const remarks = as === "draft" ? [unfinished, ...notes] : notes;
  return offer(hand, {
    head: branch,
    into,
    title: calmTitle(view.task),
    body: pullRequestBody(view, base, remarks),
    draft: as === "draft" || view.task.policy?.draft === true,
  });
}

const repositoryUrl = ({ repo }: Hand, { webUrl }: Publisher): string => `${webUrl}/${repo.owner}/${repo.repo}`;

function existing(hand: Hand, task: Task, publisher: Publisher): Pick<Published, "url" | "pullRequest"> {
  const { number } = placeOf(task);
  return { url: `${repositoryUrl(hand, publisher)}/pull/${number}`, pullRequest: number };
}

const submoduleNotes = ({ puts }: Changes): string[] =>
  puts
    .filter(({ mode }) => mode === "160000")
    .map(({ path, content }) => `The submodule ${path} now points at ${content.toString("latin1").slice(0, 7)}.`);

/** Lines as GitHub counts them. */
async function sizeOf(
  { octokit, repo }: Hand,
  sha: string,
  changes: Changes,
): Promise<Pick<Published, "files" | "added" | "removed">> {
  const { data } = await octokit.rest.repos.getCommit({ ...repo, ref: sha, per_page: 1 });
  return {
    files: changedPaths(changes).length,
    added: data.stats?.additions ?? 0,
    removed: data.stats?.deletions ?? 0,
  };
}
