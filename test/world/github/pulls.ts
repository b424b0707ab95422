/** Pull requests: opened within a repository or from a fork, reviewed, merged. */
import { announce } from "./announce.ts";
import { ApiError, checkLength, invalid } from "./answer.ts";
import { fetchHead, moveBranch, signatureOf } from "./branches.ts";
import { pullShape } from "./code-shapes.ts";
import { announceIssue, mayJoin, placeIssue } from "./conversations.ts";
import { git, gitText, refAt, tryGit } from "./git.ts";
import { reviewCommentShape, reviewShape } from "./conversation-shapes.ts";
import {
  fullName,
  type Account,
  type Issue,
  type Pull,
  type Repository,
  type Review,
  type ReviewComment,
} from "./state.ts";
import { writeCommit } from "./trees.ts";
import type { World } from "./world.ts";

export type NewPull = {
  readonly title: string;
  readonly body: string;
  readonly head: { readonly repository: Repository; readonly branch: string };
  readonly base: string;
  readonly draft: boolean;
  readonly maintainerCanModify: boolean;
};

const refusedPull = (more: { readonly field?: string; readonly code: string; readonly message?: string }): ApiError =>
  new ApiError(422, "Validation Failed", { errors: [{ resource: "PullRequest", ...more }] });

/** Throws GitHub's 422s: no such branch, nothing between them, one is open already. */
export async function openPull(world: World, base: Repository, by: Account, made: NewPull): Promise<Issue> {
  const { head } = made;
  const headSha = await refAt(head.repository.directory, `refs/heads/${head.branch}`);
  if (headSha === undefined) throw refusedPull({ field: "head", code: "invalid" });
  const baseSha = await refAt(base.directory, `refs/heads/${made.base}`);
  if (baseSha === undefined) throw refusedPull({ field: "base", code: "invalid" });
  if (head.repository !== base)
    await git(base.directory, ["fetch", "--quiet", "--no-tags", head.repository.directory, headSha]);
  const between = await gitText(base.directory, ["rev-list", "--count", headSha, `^${baseSha}`]);
  if (between === "0")
    throw refusedPull({ code: "custom", message: `No commits between ${made.base} and ${head.branch}` });
  const label = `${head.repository.owner.login}:${head.branch}`;
  const isOpen = base.issues.some(
    ({ state, pull }) =>
      state === "open" &&
      pull !== undefined &&
      pull.base.branch === made.base &&
      pull.head.repository === head.repository &&
      pull.head.branch === head.branch,
  );
  if (isOpen) throw refusedPull({ code: "custom", message: `A pull request already exists for ${label}.` });
  const pull: Pull = {
    head: { repository: head.repository, branch: head.branch, sha: headSha },
    base: { branch: made.base, sha: baseSha },
    draft: made.draft,
    mergedAt: undefined,
    mergedBy: undefined,
    mergeCommit: undefined,
    maintainerCanModify: made.maintainerCanModify,
    reviews: [],
    asked: { people: new Set(), teams: new Set() },
    reviewComments: [],
  };
  const issue = placeIssue(world, base, by, { title: made.title, body: made.body, labels: [] }, pull);
  // Whoever hears of it fetches this ref at once.
  await fetchHead(base, issue.number, head.repository, headSha);
  announceIssue(world, issue, "opened", by);
  return issue;
}

/** The pull request that an issue is; throws 404 for a plain issue. */
export function pullOf(issue: Issue): Pull {
  if (issue.pull === undefined) throw new ApiError(404, "Not Found");
  return issue.pull;
}

/** Throws 405 where it cannot be merged cleanly. */
export async function mergePull(world: World, issue: Issue, by: Account): Promise<string> {
  const pull = pullOf(issue);
  const { repository } = issue;
  const from = await refAt(repository.directory, `refs/heads/${pull.base.branch}`);
  const merged = await tryGit(repository.directory, ["merge-tree", "--write-tree", from ?? "", pull.head.sha]);
  if (issue.state === "closed" || from === undefined || merged.code !== 0)
    throw new ApiError(405, "Pull Request is not mergeable");
  const signature = signatureOf(world, by);
  const message = `Merge pull request #${issue.number} from ${pull.head.repository.owner.login}/${pull.head.branch}\n\n${issue.title}`;
  const [tree = ""] = merged.stdout.toString().split("\n");
  const to = await writeCommit(repository.directory, {
    tree,
    parents: [from, pull.head.sha],
    author: signature,
    committer: signature,
    message,
  });
  await moveBranch(world, repository, by, { branch: pull.base.branch, from, to });
  pull.mergedAt = world.now();
  pull.mergedBy = by;
  pull.mergeCommit = to;
  issue.state = "closed";
  issue.closedAt = world.now();
  announceIssue(world, issue, "closed", by);
  return to;
}

/** Throws GitHub's 422s, and then nobody is asked: the author, and who does not belong to the repository. */
export function askReviewers(
  world: World,
  issue: Issue,
  made: { readonly reviewers: readonly string[]; readonly team_reviewers: readonly string[] },
): void {
  const { asked } = pullOf(issue);
  const { repository, author } = issue;
  const people = made.reviewers.map((login) => world.accounts.get(login.toLowerCase()));
  if (people.includes(author)) throw new ApiError(422, "Review cannot be requested from pull request author.");
  // That everybody reads a public repository makes nobody a collaborator.
  const known = people.filter(
    (each) => each !== undefined && (each.role ?? repository.roles.get(each.login)) !== undefined,
  );
  if (known.length < people.length || made.team_reviewers.some((slug) => !repository.teams.has(slug)))
    throw new ApiError(
      422,
      `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${fullName(repository)} repository.`,
    );
  for (const each of known) if (each !== undefined) asked.people.add(each);
  for (const slug of made.team_reviewers) asked.teams.add(slug);
}

export function addReview(
  world: World,
  issue: Issue,
  author: Account,
  made: { readonly body: string; readonly state: Review["state"] },
): Review {
  const pull = pullOf(issue);
  mayJoin(world, issue, author, "comment");
  checkLength("PullRequestReview", made.body);
  const review = { id: world.nextId("review"), author, sha: pull.head.sha, submittedAt: world.now(), ...made };
  pull.reviews.push(review);
  announce(world, {
    event: "pull_request_review",
    action: "submitted",
    sender: author,
    repository: issue.repository,
    more: { review: reviewShape(world, issue, review), pull_request: pullShape(world, issue, pull) },
  });
  return review;
}

export function addReviewComment(
  world: World,
  issue: Issue,
  author: Account,
  made: { readonly path: string; readonly line: number; readonly body: string; readonly inReplyTo?: number },
): ReviewComment {
  const pull = pullOf(issue);
  mayJoin(world, issue, author, "comment");
  checkLength("PullRequestReviewComment", made.body);
  const at = world.now();
  const comment: ReviewComment = {
    id: world.nextId("reviewComment"),
    author,
    body: made.body,
    path: made.path,
    line: made.line,
    sha: pull.head.sha,
    createdAt: at,
    updatedAt: at,
    reviewId: world.nextId("review"),
    inReplyTo: made.inReplyTo,
    reactions: [],
  };
  pull.reviewComments.push(comment);
  announce(world, {
    event: "pull_request_review_comment",
    action: "created",
    sender: author,
    repository: issue.repository,
    more: { comment: reviewCommentShape(world, issue, comment), pull_request: pullShape(world, issue, pull) },
  });
  return comment;
}

/** `branch`, or `owner:branch` for a fork. Throws 422 where there is no such fork. */
export function headNamed(world: World, base: Repository, named: string): NewPull["head"] {
  const [owner, branch] = named.includes(":") ? named.split(":", 2) : [base.owner.login, named];
  if (owner === base.owner.login) return { repository: base, branch: branch ?? "" };
  const fork = [...world.repositories.values()].find(
    (each) => each.parent === base && each.owner.login.toLowerCase() === owner?.toLowerCase(),
  );
  if (fork === undefined) throw invalid("PullRequest", "head", "invalid", `${fullName(base)} has no fork of ${owner}`);
  return { repository: fork, branch: branch ?? "" };
}

/** Throws 404. */
export function reviewCommentOf(issue: Issue, id: number): ReviewComment {
  const found = pullOf(issue).reviewComments.find((each) => each.id === id);
  if (found === undefined) throw new ApiError(404, "Not Found");
  return found;
}
