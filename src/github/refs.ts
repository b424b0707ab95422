/** Which commit a name stands for, asked of GitHub: a branch first, then a tag, then a commit id. */
import type { Octokit } from "@octokit/rest";
import { Sha } from "../core/ids.ts";
import { Refusal } from "../core/refusal.ts";
import { failureOf, orUndefined } from "./failure.ts";

type Repo = { readonly owner: string; readonly repo: string };

export type FoundRef = {
  readonly sha: Sha;
  readonly kind: "branch" | "tag" | "commit";
  /** What people call it: `main`, `v1.2`, `4f2c1e9`. */
  readonly name: string;
  readonly fetchRef: string;
};

/** The commit at the tip of a branch, or undefined where there is no such branch. */
export async function branchTip(octokit: Octokit, repo: Repo, branch: string): Promise<Sha | undefined> {
  const found = await orUndefined(octokit.rest.git.getRef({ ...repo, ref: `heads/${branch}` }));
  return found === undefined ? undefined : Sha.parse(found.data.object.sha);
}

/** Throws a `Refusal` naming a ref that does not exist. */
export async function resolveRef(octokit: Octokit, repo: Repo, wanted: string): Promise<FoundRef> {
  const ref = wanted.replace(/^refs\/(?:heads|tags)\//, "");
  if (isRefName(ref)) {
    const tip = await branchTip(octokit, repo, ref);
    if (tip !== undefined) return { sha: tip, kind: "branch", name: ref, fetchRef: `refs/heads/${ref}` };
    const tagged = await orUndefined(octokit.rest.git.getRef({ ...repo, ref: `tags/${ref}` }));
    const tag = tagged === undefined ? undefined : await commitAt(octokit, repo, `refs/tags/${ref}`);
    if (tag !== undefined) return { sha: tag, kind: "tag", name: ref, fetchRef: `refs/tags/${ref}` };
    const commit = /^[0-9a-f]{7,64}$/.test(ref) ? await commitAt(octokit, repo, ref) : undefined;
    if (commit !== undefined) return { sha: commit, kind: "commit", name: commit.slice(0, 7), fetchRef: commit };
  }
  const shown = JSON.stringify(wanted.slice(0, 100));
  throw new Refusal(`There is no branch, tag or commit ${shown} in ${repo.owner}/${repo.repo}.`);
}

/** Whether the history of a branch holds this commit. GitHub also serves commits that only a fork holds. */
export async function isReachable(octokit: Octokit, repo: Repo, branch: string, sha: Sha): Promise<boolean> {
  const { data } = await octokit.rest.repos.compareCommitsWithBasehead({
    ...repo,
    basehead: `${branch}...${sha}`,
    per_page: 1,
  });
  return data.status === "behind" || data.status === "identical";
}

async function commitAt(octokit: Octokit, repo: Repo, ref: string): Promise<Sha | undefined> {
  try {
    const { data } = await octokit.rest.repos.getCommit({ ...repo, ref });
    return Sha.parse(data.sha);
  } catch (error) {
    // 422 is GitHub's answer to a well-formed id that it does not have.
    const status = failureOf(error)?.status;
    if (status === 404 || status === 422) return undefined;
    throw error;
  }
}

/** What git accepts as the name of a ref (git check-ref-format), roughly: enough that no other route is asked. */
const isRefName = (ref: string): boolean =>
  // oxlint-disable-next-line no-control-regex -- git forbids exactly these
  ref !== "" && !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|^[-/.]|[/.]$|\.lock$/.test(ref);
