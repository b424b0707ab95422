/** How accounts, repositories, installations and conversations look in GitHub's JSON, in answers and payloads alike. */
import {
  associationIn,
  fullName,
  type Account,
  type App,
  type Comment,
  type Installation,
  type Issue,
  type Label,
  type Reaction,
  type Repository,
  type Review,
  type ReviewComment,
} from "./state.ts";
import { apiUrl, iso, type World } from "./world.ts";

const node = (kind: string, id: number): string => Buffer.from(`${kind}_${id}`).toString("base64url");
const isoOrNull = (instant: number | undefined): string | null => (instant === undefined ? null : iso(instant));

export function userShape(world: World, account: Account) {
  const login = encodeURIComponent(account.login);
  return {
    login: account.login,
    id: account.id,
    node_id: node("U", account.id),
    avatar_url: `${world.publicUrl}/avatars/u/${account.id}`,
    gravatar_id: "",
    url: `${apiUrl(world)}/users/${login}`,
    html_url: `${world.publicUrl}/${account.type === "Bot" ? `apps/${account.login.replace("[bot]", "")}` : account.login}`,
    type: account.type,
    user_view_type: "public",
    site_admin: false,
  };
}

export function organizationShape(world: World, account: Account) {
  return {
    login: account.login,
    id: account.id,
    node_id: node("O", account.id),
    url: `${apiUrl(world)}/orgs/${account.login}`,
    description: "",
  };
}

export function appShape(world: World, app: App = world.app) {
  return {
    id: app.id,
    slug: app.slug,
    client_id: app.clientId,
    node_id: node("A", app.id),
    owner: userShape(world, { ...app.bot, login: "parhelia-makers", id: 4242, type: "Organization" }),
    name: app.slug,
    description: "",
    external_url: world.publicUrl,
    html_url: `${world.publicUrl}/apps/${app.slug}`,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    permissions: app.permissions,
    events: app.events,
    installations_count: world.installations.size,
  };
}

export function installationShape(world: World, installation: Installation) {
  const url = `${apiUrl(world)}/app/installations/${installation.id}`;
  return {
    id: installation.id,
    client_id: world.app.clientId,
    account: userShape(world, installation.account),
    repository_selection: installation.repositories === "all" ? "all" : "selected",
    access_tokens_url: `${url}/access_tokens`,
    repositories_url: `${apiUrl(world)}/installation/repositories`,
    html_url: `${world.publicUrl}/settings/installations/${installation.id}`,
    app_id: world.app.id,
    app_slug: world.app.slug,
    target_id: installation.account.id,
    target_type: installation.account.type,
    permissions: installation.permissions,
    events: world.app.events,
    created_at: iso(installation.createdAt),
    updated_at: iso(installation.createdAt),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: null,
    suspended_at: isoOrNull(installation.suspendedAt),
  };
}

export const repositoryUrl = (world: World, repository: Repository): string =>
  `${apiUrl(world)}/repos/${fullName(repository)}`;

export function repositoryShape(world: World, repository: Repository): Record<string, unknown> {
  const url = repositoryUrl(world, repository);
  const page = `${world.publicUrl}/${fullName(repository)}`;
  return {
    id: repository.id,
    node_id: node("R", repository.id),
    name: repository.name,
    full_name: fullName(repository),
    private: repository.private,
    visibility: repository.private ? "private" : "public",
    owner: userShape(world, repository.owner),
    html_url: page,
    description: null,
    fork: repository.parent !== undefined,
    url,
    clone_url: `${page}.git`,
    git_url: `${page.replace(/^https?/, "git")}.git`,
    default_branch: repository.defaultBranch,
    archived: repository.archived,
    disabled: false,
    has_issues: repository.hasIssues,
    open_issues_count: repository.issues.filter((each) => each.state === "open").length,
    created_at: iso(repository.createdAt),
    updated_at: iso(repository.createdAt),
    pushed_at: iso(repository.createdAt),
  };
}

export function labelShape(world: World, repository: Repository, label: Label) {
  return {
    id: label.id,
    node_id: node("LA", label.id),
    url: `${repositoryUrl(world, repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    color: label.color,
    default: false,
    description: label.description,
  };
}

export const reactionKinds = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"] as const;

export function reactionShape(world: World, reaction: Reaction) {
  return {
    id: reaction.id,
    node_id: node("REA", reaction.id),
    user: userShape(world, reaction.author),
    content: reaction.content,
    created_at: iso(reaction.createdAt),
  };
}

function reactionsRollup(url: string, reactions: readonly Reaction[]): Record<string, unknown> {
  const counts = reactionKinds.map((kind) => [kind, reactions.filter((each) => each.content === kind).length]);
  return { url: `${url}/reactions`, total_count: reactions.length, ...Object.fromEntries(counts) };
}

/** What marks a thing as made by the app; null for people. */
const viaApp = (world: World, author: Account) => (author === world.app.bot ? appShape(world) : null);

export function issueShape(world: World, issue: Issue): Record<string, unknown> {
  const url = `${repositoryUrl(world, issue.repository)}/issues/${issue.number}`;
  const page = `${world.publicUrl}/${fullName(issue.repository)}`;
  const pullUrl = `${repositoryUrl(world, issue.repository)}/pulls/${issue.number}`;
  const pullPage = `${page}/pull/${issue.number}`;
  return {
    url,
    repository_url: repositoryUrl(world, issue.repository),
    labels_url: `${url}/labels{/name}`,
    comments_url: `${url}/comments`,
    events_url: `${url}/events`,
    html_url: issue.pull === undefined ? `${page}/issues/${issue.number}` : pullPage,
    id: issue.id,
    node_id: node("I", issue.id),
    number: issue.number,
    title: issue.title,
    user: userShape(world, issue.author),
    labels: issue.labels.map((label) => labelShape(world, issue.repository, label)),
    state: issue.state,
    state_reason: issue.stateReason ?? null,
    locked: issue.locked,
    active_lock_reason: issue.locked ? "resolved" : null,
    assignee: null,
    assignees: [],
    milestone: null,
    comments: issue.comments.length,
    created_at: iso(issue.createdAt),
    updated_at: iso(issue.updatedAt),
    closed_at: isoOrNull(issue.closedAt),
    author_association: associationIn(issue.repository, issue.author),
    body: issue.body === "" ? null : issue.body,
    reactions: reactionsRollup(url, issue.reactions),
    performed_via_github_app: viaApp(world, issue.author),
    ...(issue.pull !== undefined && {
      draft: issue.pull.draft,
      pull_request: {
        url: pullUrl,
        html_url: pullPage,
        diff_url: `${pullPage}.diff`,
        patch_url: `${pullPage}.patch`,
        merged_at: isoOrNull(issue.pull.mergedAt),
      },
    }),
  };
}

export function commentShape(world: World, comment: Comment) {
  const { issue } = comment;
  const url = `${repositoryUrl(world, issue.repository)}/issues/comments/${comment.id}`;
  const kind = issue.pull === undefined ? "issues" : "pull";
  return {
    url,
    html_url: `${world.publicUrl}/${fullName(issue.repository)}/${kind}/${issue.number}#issuecomment-${comment.id}`,
    issue_url: `${repositoryUrl(world, issue.repository)}/issues/${issue.number}`,
    id: comment.id,
    node_id: node("IC", comment.id),
    user: userShape(world, comment.author),
    created_at: iso(comment.createdAt),
    updated_at: iso(comment.updatedAt),
    author_association: associationIn(issue.repository, comment.author),
    body: comment.body,
    reactions: reactionsRollup(url, comment.reactions),
    performed_via_github_app: viaApp(world, comment.author),
  };
}

export function reviewShape(world: World, issue: Issue, review: Review) {
  const page = `${world.publicUrl}/${fullName(issue.repository)}/pull/${issue.number}`;
  return {
    id: review.id,
    node_id: node("PRR", review.id),
    user: userShape(world, review.author),
    body: review.body,
    state: review.state,
    html_url: `${page}#pullrequestreview-${review.id}`,
    pull_request_url: `${repositoryUrl(world, issue.repository)}/pulls/${issue.number}`,
    author_association: associationIn(issue.repository, review.author),
    submitted_at: iso(review.submittedAt),
    commit_id: review.sha,
  };
}

export function reviewCommentShape(world: World, issue: Issue, comment: ReviewComment) {
  const url = `${repositoryUrl(world, issue.repository)}/pulls/comments/${comment.id}`;
  const page = `${world.publicUrl}/${fullName(issue.repository)}/pull/${issue.number}`;
  return {
    url,
    pull_request_review_id: comment.reviewId,
    id: comment.id,
    node_id: node("PRRC", comment.id),
    diff_hunk: "",
    path: comment.path,
    line: comment.line,
    original_line: comment.line,
    side: "RIGHT",
    ...(comment.inReplyTo !== undefined && { in_reply_to_id: comment.inReplyTo }),
    commit_id: comment.sha,
    original_commit_id: comment.sha,
    user: userShape(world, comment.author),
    body: comment.body,
    created_at: iso(comment.createdAt),
    updated_at: iso(comment.updatedAt),
    html_url: `${page}#discussion_r${comment.id}`,
    pull_request_url: `${repositoryUrl(world, issue.repository)}/pulls/${issue.number}`,
    author_association: associationIn(issue.repository, comment.author),
    reactions: reactionsRollup(url, comment.reactions),
  };
}
