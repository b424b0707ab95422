/**
 * Where a result goes: onto the pull request that it was made for, or onto a branch of its own. A branch with commits
 * that are not ours is never overwritten, and the default branch is never written at all.
 */
import { Sha, type AttemptId } from "../../core/ids.ts";
import type { PublishRequest } from "../../core/ports/forge.ts";
import { branchName } from "../../core/branch-name.ts";
import { isOfAttempt, isOfTask } from "./attribution.ts";
import { changedPaths, type Changes } from "../../core/changes.ts";
import { failureOf } from "../failure.ts";
import { placeOf } from "../place.ts";
import { branchTip } from "../refs.ts";
import type { Here } from "./repository.ts";

export type Target = {
  readonly branch: string;
  /** Whether the branch is made for this task rather than the pull request's own. */
  readonly isOwn: boolean;
  readonly notes: readonly string[];
  /** The branch that a pull request of ours asks to merge into. */
  readonly into: string;
} & (
  | { readonly do: "nothing"; readonly sha: Sha }
  | { readonly do: "commit"; readonly parent: Sha; readonly isThere: boolean }
);

/** More would mean that something makes branches of ours in a loop. */
const mostBranches = 20;

export async function chooseTarget(
  hand: Here,
  request: PublishRequest,
  attempt: AttemptId,
  changes: Changes,
): Promise<Target> {
  const onHead = await pullRequestHead(hand, request, attempt);
  if (onHead !== undefined && "branch" in onHead) return onHead;
  const notes = onHead === undefined ? [] : [onHead.note];
  const { base, view } = request;
  const into = onHead?.into ?? base.head ?? base.into;
  for (let n = 1; n <= mostBranches; n += 1) {
    const branch = branchName(view.task, n);
    const tip = await branchTip(hand.octokit, hand.repo, branch);
    if (tip === undefined || tip === base.sha)
      return { do: "commit", branch, isOwn: true, parent: base.sha, isThere: tip !== undefined, notes, into };
    const grown = await since(hand, base.sha, tip);
    const ours = grown?.commits.find(({ message }) => isOfAttempt(message, attempt));
    if (ours !== undefined) return { do: "nothing", branch, isOwn: true, sha: ours.sha, notes, into };
    const isOthers = grown === undefined || grown.commits.some(({ message }) => !isOfTask(message, view.task));
    if (isOthers && grown !== undefined && fits(grown, changes)) {
      notes.push(`The branch ${branch} already had commits by others; this one is on top of them.`);
      return { do: "commit", branch, isOwn: true, parent: tip, isThere: true, notes, into };
    }
    if (isOthers) notes.push(`The branch ${branch} has commits by others, so the result is on a branch of its own.`);
  }
  throw new Error(`${mostBranches} branches of task ${view.task.id} exist and hold something else`);
}

/** Undefined where the task is of no pull request whose branch is here, or where its work is kept and not proposed. */
async function pullRequestHead(
  hand: Here,
  request: PublishRequest,
  attempt: AttemptId,
): Promise<Target | { note: string; into?: string } | undefined> {
  const { base, view } = request;
  if (!placeOf(view.task).pullRequest || request.as !== "pull-request") return undefined;
  if (base.head === null)
    return view.task.spec.ref === null && !base.trusted
      ? { note: "This app cannot write to the branch of that pull request, so the result is on a branch of its own." }
      : undefined;
  if (hand.defaultBranch === base.head)
    return { note: "The pull request comes from the default branch, which this app never writes to." };
  const tip = await branchTip(hand.octokit, hand.repo, base.head);
  const shared = { branch: base.head, isOwn: false, notes: [], into: base.into };
  const { data: pull } = await hand.octokit.rest.pulls.get({ ...hand.repo, pull_number: placeOf(view.task).number });
  if (tip === base.sha && pull.state === "open") return { ...shared, do: "commit", parent: base.sha, isThere: true };
  const grown = tip === undefined ? undefined : await since(hand, base.sha, tip);
  const ours = grown?.commits.find(({ message }) => isOfAttempt(message, attempt));
  if (ours !== undefined) return { ...shared, do: "nothing", sha: ours.sha };
  // What lands on the branch of a pull request that is over is seen by nobody.
  if (pull.state !== "open") {
    const over = pull.merged ? "was merged" : "was closed";
    const note = `The pull request ${over} during the run, so the result is on a branch of its own.`;
    return { note, into: base.into };
  }
  const moved = tip === undefined ? "was deleted" : `has moved on from ${base.sha.slice(0, 7)}`;
  const note = `The branch ${base.head} ${moved} during the run, so the result is on a branch of its own.`;
  return tip === undefined ? { note, into: base.into } : { note };
}

type Grown = {
  readonly commits: readonly { readonly sha: Sha; readonly message: string }[];
  /** Undefined where GitHub does not list them all. */
  readonly paths: readonly string[] | undefined;
};

/** GitHub lists 300 files of a comparison and no more. */
const mostFilesListed = 300;

/** What a branch has on top of a commit, or undefined where it does not descend from it. */
async function since({ octokit, repo }: Here, base: Sha, tip: Sha): Promise<Grown | undefined> {
  try {
    const { data } = await octokit.rest.repos.compareCommitsWithBasehead({ ...repo, basehead: `${base}...${tip}` });
    if (data.status !== "ahead") return undefined;
    const files = data.files ?? [];
    const paths = files.flatMap(({ filename, previous_filename }) => [
      filename,
      ...(previous_filename === undefined ? [] : [previous_filename]),
    ]);
    return {
      commits: data.commits.map(({ sha, commit }) => ({ sha: Sha.parse(sha), message: commit.message })),
      paths: files.length < mostFilesListed ? paths : undefined,
    };
  } catch (error) {
    if (failureOf(error)?.status === 404) return undefined;
    throw error;
  }
}

/** Whether our changes touch nothing that others have touched. */
function fits({ paths }: Grown, changes: Changes): boolean {
  if (paths === undefined) return false;
  const theirs = new Set(paths);
  return !changedPaths(changes).some(
    (path) => theirs.has(path) || paths.some((other) => other.startsWith(`${path}/`) || path.startsWith(`${other}/`)),
  );
}
