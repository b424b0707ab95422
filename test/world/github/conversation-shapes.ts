/** How labels, issues, comments, reviews and reactions look in GitHub's JSON, in answers and payloads alike. */
import { appShape, isoOrNull, node, repositoryUrl, userShape } from "./shapes.ts";
import {
  associationIn,
  fullName,
  type Account,
  type Comment,
  type Issue,
  type Label,
  type Reaction,
  type Repository,
  type Review,
  type ReviewComment,
} from "./state.ts";
import { iso, type World } from "./world.ts";

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
