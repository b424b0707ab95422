/** Puts the changes onto their branch: signed in one call where all files are plain, piece by piece otherwise. */
import { Sha, type AttemptId } from "../../core/ids.ts";
import { Refusal } from "../../core/refusal.ts";
import { isOfAttempt, type CommitWords } from "./attribution.ts";
import { hasPlaceSwap, type Changes } from "../../core/changes.ts";
import { failureOf, isLost, orRefusal } from "../failure.ts";
import { branchTip } from "../refs.ts";
import { commitSigned, isPlain } from "./signed-commit.ts";
import type { Target } from "./target.ts";
import { commitTree, type Hand } from "./tree-commit.ts";

type Committed = { readonly sha: Sha; readonly notes: readonly string[] };
export type CommitRequest = {
  readonly target: Extract<Target, { do: "commit" }>;
  readonly attempt: AttemptId;
  readonly changes: Changes;
  readonly words: CommitWords;
  readonly mutationId: string;
};

/** Throws a `Refusal` where GitHub will not have the commit; any other error may be met by the same call again. */
export async function commitChanges(hand: Hand, request: CommitRequest): Promise<Committed> {
  const { target, words } = request;
  const { tree, modes } = await listing(hand, target.parent);
  // Deleting a path that is not there is an error on both ways.
  const deletes =
    modes === undefined ? request.changes.deletes : request.changes.deletes.filter((path) => modes.has(path));
  const changes = { puts: request.changes.puts, deletes };
  if (changes.puts.length + deletes.length === 0)
    throw new Refusal(`The result changes nothing on ${target.branch} at ${target.parent.slice(0, 7)}.`);
  if (modes !== undefined && isPlain(changes, modes) && !hasPlaceSwap(changes)) {
    if (!target.isThere) await createBranch(hand, target.branch, target.parent);
    return { sha: await signedOnce(hand, { ...request, changes }), notes: [] };
  }
  const message = `${words.headline}\n\n${words.body}`;
  const made = await commitTree(hand, { parent: target.parent, tree }, changes, message);
  if (target.isThere) await advance(hand, target, made.sha);
  else await createBranch(hand, target.branch, made.sha);
  return {
    sha: made.sha,
    notes: made.isVerified ? [] : ["GitHub did not sign the commit, as it has files that need the unsigned way."],
  };
}

/** Mode of each file at a commit; undefined where the tree is too large to be listed at once. */
async function listing(
  { octokit, repo }: Hand,
  commit: Sha,
): Promise<{ tree: string; modes: Map<string, string> | undefined }> {
  const { data } = await octokit.rest.git.getCommit({ ...repo, commit_sha: commit });
  const tree = data.tree.sha;
  const listed = await octokit.rest.git.getTree({ ...repo, tree_sha: tree, recursive: "1" });
  if (listed.data.truncated) return { tree, modes: undefined };
  const files = listed.data.tree.filter(({ type }) => type !== "tree");
  return { tree, modes: new Map(files.map(({ path, mode }) => [path, mode])) };
}

/** Done also where the branch is there at this commit, as after an answer that was lost. */
async function createBranch({ octokit, writer, repo }: Hand, branch: string, sha: Sha): Promise<void> {
  try {
    await writer.send(() => octokit.rest.git.createRef({ ...repo, ref: `refs/heads/${branch}`, sha }));
  } catch (error) {
    if (failureOf(error) === undefined) throw error;
    const tip = await branchTip(octokit, repo, branch);
    if (tip === sha) return;
    if (tip !== undefined) throw new Error(`${branch} appeared at ${tip} while it was made`, { cause: error });
    await orRefusal(`The branch ${branch} could not be made`, Promise.reject(error));
  }
}

async function advance(
  { octokit, writer, repo }: Hand,
  { branch, parent }: CommitRequest["target"],
  sha: Sha,
): Promise<void> {
  try {
    await writer.send(() => octokit.rest.git.updateRef({ ...repo, ref: `heads/${branch}`, sha, force: false }));
  } catch (error) {
    if (failureOf(error) === undefined) throw error;
    const tip = await branchTip(octokit, repo, branch);
    if (tip === sha) return;
    // Somebody was faster: the next try looks at the branch anew.
    if (tip !== parent) throw new Error(`${branch} moved while the result was being committed`, { cause: error });
    await orRefusal(`The commit could not be put on ${branch}`, Promise.reject(error));
  }
}

/** A commit whose answer was lost is looked for, not made again. */
async function signedOnce(hand: Hand, { target, attempt, changes, words, mutationId }: CommitRequest): Promise<Sha> {
  const { branch, parent: expected } = target;
  try {
    return await commitSigned(hand, { branch, expected, message: words, mutationId }, changes);
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isLost(failure)) throw error;
    const { data } = await hand.octokit.rest.repos.getCommit({ ...hand.repo, ref: `heads/${branch}` });
    if (!isOfAttempt(data.commit.message, attempt)) throw error;
    return Sha.parse(data.sha);
  }
}
