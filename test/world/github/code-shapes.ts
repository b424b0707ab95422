/** How pull requests, commits, branches and checks look in GitHub's JSON. */
import type { ChangedFile } from "./changed-files.ts";
import { issueShape } from "./conversation-shapes.ts";
import { appShape, isoOrNull, repositoryShape, repositoryUrl, userShape } from "./shapes.ts";
import {
  associationIn,
  fullName,
  type CheckRun,
  type CheckSuite,
  type Issue,
  type Pull,
  type Repository,
} from "./state.ts";
import type { ReadCommit, Signature } from "./trees.ts";
import { apiUrl, iso, type World } from "./world.ts";

export const headLabel = (pull: Pull): string => `${pull.head.repository.owner.login}:${pull.head.branch}`;

const side = (world: World, repository: Repository, branch: string, sha: string) => ({
  label: `${repository.owner.login}:${branch}`,
  ref: branch,
  sha,
  user: userShape(world, repository.owner),
  repo: repositoryShape(world, repository),
});

export function pullShape(world: World, issue: Issue, pull: Pull): Record<string, unknown> {
  const asIssue = issueShape(world, issue);
  const url = `${repositoryUrl(world, issue.repository)}/pulls/${issue.number}`;
  const { pull_request: links, reactions: _, ...shared } = asIssue;
  return {
    ...shared,
    ...(typeof links === "object" && links),
    url,
    _links: pullLinks(repositoryUrl(world, issue.repository), asIssue["html_url"], issue.number, pull.head.sha),
    issue_url: `${repositoryUrl(world, issue.repository)}/issues/${issue.number}`,
    commits_url: `${url}/commits`,
    review_comments_url: `${url}/comments`,
    review_comment_url: `${repositoryUrl(world, issue.repository)}/pulls/comments{/number}`,
    statuses_url: `${repositoryUrl(world, issue.repository)}/statuses/${pull.head.sha}`,
    head: side(world, pull.head.repository, pull.head.branch, pull.head.sha),
    base: side(world, issue.repository, pull.base.branch, pull.base.sha),
    merged: pull.mergedAt !== undefined,
    merged_at: isoOrNull(pull.mergedAt),
    merged_by: pull.mergedBy === undefined ? null : userShape(world, pull.mergedBy),
    merge_commit_sha: pull.mergeCommit ?? null,
    mergeable: true,
    mergeable_state: "clean",
    maintainer_can_modify: pull.maintainerCanModify,
    author_association: associationIn(issue.repository, issue.author),
    review_comments: pull.reviewComments.length,
    auto_merge: null,
    requested_reviewers: [...pull.asked.people].map((each) => userShape(world, each)),
    requested_teams: [...pull.asked.teams].map((slug) => teamShape(world, issue.repository, slug)),
  };
}

function teamShape(world: World, { owner }: Repository, slug: string) {
  const url = `${apiUrl(world)}/organizations/${owner.id}/team/1`;
  return {
    id: 1,
    node_id: "T_1",
    name: slug,
    slug,
    description: "",
    privacy: "closed",
    notification_setting: "notifications_enabled",
    url,
    html_url: `${world.publicUrl}/orgs/${owner.login}/teams/${slug}`,
    members_url: `${url}/members{/member}`,
    repositories_url: `${url}/repos`,
    permission: "pull",
    type: "organization",
    parent: null,
  };
}

function pullLinks(repository: string, page: unknown, number: number, sha: string) {
  const links = {
    self: `${repository}/pulls/${number}`,
    html: page,
    issue: `${repository}/issues/${number}`,
    comments: `${repository}/issues/${number}/comments`,
    review_comments: `${repository}/pulls/${number}/comments`,
    review_comment: `${repository}/pulls/comments{/number}`,
    commits: `${repository}/pulls/${number}/commits`,
    statuses: `${repository}/statuses/${sha}`,
  };
  return Object.fromEntries(Object.entries(links).map(([name, href]) => [name, { href }]));
}

export function checkSuiteShape(world: World, repository: Repository, suite: CheckSuite) {
  const runs = repository.checkRuns.filter((each) => each.suite === suite);
  const isDone = runs.length > 0 && runs.every((each) => each.status === "completed");
  const url = `${repositoryUrl(world, repository)}/check-suites/${suite.id}`;
  return {
    id: suite.id,
    node_id: `CS_${suite.id}`,
    created_at: iso(runs[0]?.startedAt ?? world.now()),
    updated_at: iso(world.now()),
    head_branch: suite.branch ?? null,
    head_sha: suite.sha,
    status: runs.length === 0 ? "queued" : isDone ? "completed" : "in_progress",
    conclusion: isDone ? (runs.find((each) => each.conclusion !== "success")?.conclusion ?? "success") : null,
    url,
    before: null,
    after: suite.sha,
    pull_requests: pullsAt(world, repository, suite.sha),
    app: appShape(world, suite.app),
    check_runs_url: `${url}/check-runs`,
    latest_check_runs_count: runs.length,
  };
}

/** Empty for pull requests from forks, as on GitHub. */
function pullsAt(world: World, repository: Repository, sha: string) {
  const repo = { id: repository.id, name: repository.name, url: repositoryUrl(world, repository) };
  return repository.issues
    .filter(({ state, pull }) => state === "open" && pull?.head.repository === repository && pull.head.sha === sha)
    .map(({ id, number, pull }) => ({
      id,
      number,
      url: `${repositoryUrl(world, repository)}/pulls/${number}`,
      head: { ref: pull?.head.branch, sha, repo },
      base: { ref: pull?.base.branch, sha: pull?.base.sha, repo },
    }));
}

export function checkRunShape(world: World, run: CheckRun): Record<string, unknown> {
  const url = `${repositoryUrl(world, run.repository)}/check-runs/${run.id}`;
  return {
    id: run.id,
    node_id: `CR_${run.id}`,
    head_sha: run.sha,
    external_id: run.externalId,
    url,
    html_url: `${world.publicUrl}/${fullName(run.repository)}/runs/${run.id}`,
    details_url: run.detailsUrl ?? `${world.publicUrl}/apps/${run.app.slug}`,
    status: run.status,
    conclusion: run.conclusion ?? null,
    started_at: isoOrNull(run.startedAt),
    completed_at: isoOrNull(run.completedAt),
    output: {
      title: run.output?.title ?? null,
      summary: run.output?.summary ?? null,
      text: run.output?.text ?? null,
      annotations_count: run.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    name: run.name,
    check_suite: { id: run.suite.id },
    app: appShape(world, run.app),
    pull_requests: pullsAt(world, run.repository, run.sha),
  };
}

const gitUser = ({ name, email, atMs }: Signature) => ({ name, email, date: iso(atMs) });

function verification(repository: Repository, commit: ReadCommit) {
  const isSigned = repository.signed.has(commit.sha);
  return {
    verified: isSigned,
    reason: isSigned ? "valid" : "unsigned",
    signature: isSigned ? "-----BEGIN PGP SIGNATURE-----\n\nstand-in\n-----END PGP SIGNATURE-----\n" : null,
    payload: isSigned ? commit.message : null,
    verified_at: isSigned ? iso(commit.committer.atMs) : null,
  };
}

/** A commit of `git/commits`. */
export function gitCommitShape(world: World, repository: Repository, commit: ReadCommit) {
  const url = `${repositoryUrl(world, repository)}/git/commits/${commit.sha}`;
  return {
    sha: commit.sha,
    node_id: `C_${commit.sha}`,
    url,
    html_url: `${world.publicUrl}/${fullName(repository)}/commit/${commit.sha}`,
    author: gitUser(commit.author),
    committer: gitUser(commit.committer),
    tree: { sha: commit.tree, url: `${repositoryUrl(world, repository)}/git/trees/${commit.tree}` },
    message: commit.message,
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${repositoryUrl(world, repository)}/git/commits/${sha}`,
      html_url: `${world.publicUrl}/${fullName(repository)}/commit/${sha}`,
    })),
    verification: verification(repository, commit),
  };
}

/** A commit of `commits`: the one above, with the accounts behind its addresses. */
export function commitListShape(world: World, repository: Repository, commit: ReadCommit) {
  const inner = gitCommitShape(world, repository, commit);
  const { sha, node_id, html_url, parents, author, committer, message, tree } = inner;
  const url = `${apiUrl(world)}/repos/${fullName(repository)}/commits/${sha}`;
  const accountOf = (email: string) => {
    const id = Number(/^(\d+)\+/.exec(email)?.[1] ?? -1);
    const found = [...world.accounts.values()].find((each) => each.id === id);
    return found === undefined ? null : userShape(world, found);
  };
  return {
    sha,
    node_id,
    url,
    comments_url: `${url}/comments`,
    html_url,
    commit: { url: inner.url, author, committer, message, tree, comment_count: 0, verification: inner.verification },
    author: accountOf(commit.author.email),
    committer: accountOf(commit.committer.email),
    parents,
  };
}

/** A changed file with the addresses of what it became at a commit. */
export function changedFileShape(world: World, repository: Repository, sha: string, file: ChangedFile) {
  const page = `${world.publicUrl}/${fullName(repository)}`;
  const path = encodeURI(file.filename);
  return {
    ...file,
    blob_url: `${page}/blob/${sha}/${path}`,
    raw_url: `${page}/raw/${sha}/${path}`,
    contents_url: `${repositoryUrl(world, repository)}/contents/${path}?ref=${sha}`,
  };
}

export function refShape(world: World, repository: Repository, ref: string, sha: string, type = "commit") {
  return {
    ref,
    node_id: `REF_${ref}`,
    url: `${repositoryUrl(world, repository)}/git/${ref}`,
    object: { sha, type, url: `${repositoryUrl(world, repository)}/git/${type}s/${sha}` },
  };
}
