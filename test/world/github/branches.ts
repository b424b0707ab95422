/** Branches that move, with all that follows on GitHub: the push, the pull requests that see it, the check suite. */
import { announce } from "./announce.ts";
import { ApiError } from "./answer.ts";
import { announceIssue } from "./conversations.ts";
import { checkSuiteShape } from "./code-shapes.ts";
import { git, gitText, isFastForward, refAt, refsBelow, tryGit } from "./git.ts";
import { fullName, type Account, type App, type CheckSuite, type Repository } from "./state.ts";
import { entryAt, parseCommit, type ReadCommit, type Signature } from "./trees.ts";
import { allows, iso, type World } from "./world.ts";

export const nobody = "0".repeat(40);

/** As GitHub writes the addresses of those who keep theirs private. */
export function signatureOf(world: World, by: Account): Signature {
  return { name: by.login, email: `${by.id}+${by.login}@users.noreply.github.com`, atMs: world.now() };
}

/** Who signs commits that an app makes without naming anybody. */
export const webFlow = (world: World): Signature => ({
  name: "GitHub",
  email: "noreply@github.com",
  atMs: world.now(),
});

export async function readCommit(repository: Repository, sha: string): Promise<ReadCommit> {
  return parseCommit(sha, (await git(repository.directory, ["cat-file", "commit", sha])).toString());
}

export type Move = { readonly branch: string; readonly from: string | undefined; readonly to: string | undefined };

/** Moves a branch if it still is where `from` says. False where somebody was faster; then nothing changed. */
export async function moveBranch(world: World, repository: Repository, by: Account, move: Move): Promise<boolean> {
  const ref = `refs/heads/${move.branch}`;
  const args = move.to === undefined ? ["-d", ref, move.from ?? nobody] : [ref, move.to, move.from ?? nobody];
  if ((await tryGit(repository.directory, ["update-ref", ...args])).code !== 0) return false;
  await branchMoved(world, repository, by, move);
  return true;
}

/** What follows a move that git has already made. */
export async function branchMoved(world: World, repository: Repository, by: Account, move: Move): Promise<void> {
  const { branch, from, to } = move;
  world.pushes.push({ repository: fullName(repository), branch, before: from ?? nobody, after: to ?? nobody });
  const more = await pushPayload(world, repository, by, move);
  announce(world, { event: "push", sender: by, repository, more });
  for (const issue of [...world.repositories.values()].flatMap((each) => each.issues)) {
    const { pull } = issue;
    if (pull === undefined || issue.state === "closed") continue;
    if (pull.head.repository !== repository || pull.head.branch !== branch) continue;
    if (to === undefined) {
      issue.state = "closed";
      issue.closedAt = world.now();
      announceIssue(world, issue, "closed", by);
      continue;
    }
    const before = pull.head.sha;
    await fetchHead(issue.repository, issue.number, repository, to);
    pull.head.sha = to;
    issue.updatedAt = world.now();
    announceIssue(world, issue, "synchronize", by, { before, after: to });
  }
  if (to !== undefined) suiteRequested(world, repository, by, to, branch);
}

/** Puts a pull request's head where everybody may fetch it, fork or not. */
export async function fetchHead(base: Repository, number: number, head: Repository, sha: string): Promise<void> {
  if (head !== base) await git(base.directory, ["fetch", "--quiet", "--no-tags", head.directory, sha]);
  await git(base.directory, ["update-ref", `refs/pull/${number}/head`, sha]);
}

/** The suite of an app at a commit; made where it is not there yet. */
export function suiteAt(world: World, repository: Repository, app: App, sha: string, branch?: string): CheckSuite {
  const found = repository.checkSuites.find((each) => each.app === app && each.sha === sha);
  if (found !== undefined) return found;
  const suite = { id: world.nextId("checkSuite"), app, sha, branch };
  repository.checkSuites.push(suite);
  return suite;
}

function suiteRequested(world: World, repository: Repository, sender: Account, sha: string, branch: string): void {
  const suite = suiteAt(world, repository, world.app, sha, branch);
  const more = { check_suite: checkSuiteShape(world, repository, suite) };
  announce(world, { event: "check_suite", action: "requested", sender, repository, more });
}

async function pushPayload(world: World, repository: Repository, by: Account, { branch, from, to }: Move) {
  const page = `${world.publicUrl}/${fullName(repository)}`;
  const shas = to === undefined ? [] : await newCommits(repository, from, to);
  const commits = await Promise.all(shas.map(async (sha) => pushedCommit(page, await readCommit(repository, sha))));
  const forced = from !== undefined && to !== undefined && !(await isFastForward(repository.directory, from, to));
  return {
    ref: `refs/heads/${branch}`,
    before: from ?? nobody,
    after: to ?? nobody,
    created: from === undefined,
    deleted: to === undefined,
    forced,
    base_ref: null,
    compare: `${page}/compare/${(from ?? nobody).slice(0, 12)}...${(to ?? nobody).slice(0, 12)}`,
    commits,
    head_commit: to === undefined ? null : pushedCommit(page, await readCommit(repository, to)),
    pusher: { name: by.login, email: signatureOf(world, by).email },
  };
}

/** Oldest first, at most the twenty newest. A new branch brings what its default branch has not. */
async function newCommits(repository: Repository, from: string | undefined, to: string): Promise<string[]> {
  const base = from ?? (await refAt(repository.directory, `refs/heads/${repository.defaultBranch}`));
  const except = base === undefined || base === to ? [] : [`^${base}`];
  if (from === undefined && base === to) return [];
  const text = await gitText(repository.directory, ["rev-list", "--reverse", "--max-count=20", to, ...except]);
  return text === "" ? [] : text.split("\n");
}

const pushedCommit = (page: string, commit: ReadCommit) => ({
  id: commit.sha,
  tree_id: commit.tree,
  distinct: true,
  message: commit.message,
  timestamp: iso(commit.committer.atMs),
  url: `${page}/commit/${commit.sha}`,
  author: { name: commit.author.name, email: commit.author.email },
  committer: { name: commit.committer.name, email: commit.committer.email },
});

const workflowsAt = async (repository: Repository, commit: string): Promise<string | undefined> =>
  (await entryAt(repository.directory, commit, ".github/workflows"))?.sha;

/**
 * Throws what keeps an app from setting a branch to a commit: the branch's protection, and workflow files
 * that no branch here has yet, where the token may not write workflows.
 */
export async function mayMove(
  repository: Repository,
  permissions: Readonly<Record<string, "read" | "write">>,
  branch: string,
  to: string,
): Promise<void> {
  const protection = repository.protections.get(branch);
  if (protection !== undefined) throw new ApiError(protection.status, protection.message);
  if (allows(permissions, "workflows", "write")) return;
  const workflows = await workflowsAt(repository, to);
  if (workflows === undefined) return;
  for (const sha of new Set((await refsBelow(repository.directory, "refs/heads/")).values()))
    if ((await workflowsAt(repository, sha)) === workflows) return;
  // Seen: release-please-action#704 and others name no file; only git's own door does.
  throw new ApiError(403, "Resource not accessible by integration");
}
