/**
 * What people and apps do in issues and pull requests, with what GitHub refuses and the events that follow.
 * The API's routes and the test's people both act through here, so that both cause the same deliveries.
 */
import { announce } from "./announce.ts";
import { ApiError, checkLength, invalid } from "./answer.ts";
import { pullShape } from "./code-shapes.ts";
import { limits } from "./limits.ts";
import { commentShape, issueShape, labelShape, reactionKinds } from "./conversation-shapes.ts";
import {
  roleIn,
  type Account,
  type Comment,
  type Issue,
  type IssueEvent,
  type Label,
  type Pull,
  type Reaction,
  type Repository,
} from "./state.ts";
import type { World } from "./world.ts";

const writes = (repository: Repository, account: Account): boolean =>
  ["admin", "write"].includes(roleIn(repository, account).folded);

/** Throws what GitHub answers where a conversation is closed to somebody: 403 when locked, 422 when blocked. */
export function mayJoin(world: World, issue: Issue, by: Account, what: "comment" | "reaction"): void {
  if (issue.locked && !writes(issue.repository, by))
    throw new ApiError(403, `Unable to create ${what} because issue is locked.`);
  const isBlocked = issue.author.hasBlockedApp || issue.repository.owner.hasBlockedApp;
  if (by === world.app.bot && isBlocked)
    throw invalid(what === "comment" ? "IssueComment" : "Reaction", "data", "unprocessable", "User is blocked");
}

function checkTitle(title: string): void {
  if (title.trim() === "") throw invalid("Issue", "title", "missing_field");
  if ([...title].length > limits.titleCharacters)
    throw invalid("Issue", "title", "custom", "title is too long (maximum is 256 characters)");
}

/** Announces under `issues` or `pull_request`, whichever the thing is. */
export function announceIssue(world: World, issue: Issue, action: string, sender: Account, more: object = {}): void {
  const { repository, pull } = issue;
  const shape =
    pull === undefined
      ? { issue: issueShape(world, issue) }
      : { number: issue.number, pull_request: pullShape(world, issue, pull) };
  const event = pull === undefined ? "issues" : "pull_request";
  announce(world, { event, action, sender, repository, more: { ...shape, ...more } });
}

export type NewIssue = { readonly title: string; readonly body: string; readonly labels: readonly string[] };

/** Adds to the repository's one row of numbers, unannounced; `pull` makes it a pull request. */
export function placeIssue(world: World, repository: Repository, author: Account, made: NewIssue, pull?: Pull): Issue {
  checkTitle(made.title);
  checkLength("Issue", made.body);
  if (author === world.app.bot && repository.owner.hasBlockedApp)
    throw invalid("Issue", "data", "unprocessable", "User is blocked");
  const issue: Issue = {
    id: world.nextId("issue"),
    number: repository.issues.length + 1,
    repository,
    author,
    title: made.title,
    body: made.body,
    state: "open",
    stateReason: undefined,
    locked: false,
    deleted: false,
    movedTo: undefined,
    labels: made.labels.map((name) => labelOf(world, repository, name)),
    comments: [],
    reactions: [],
    createdAt: world.now(),
    updatedAt: world.now(),
    closedAt: undefined,
    events: [],
    editedAt: undefined,
    pull,
  };
  repository.issues.push(issue);
  return issue;
}

const happened = (world: World, issue: Issue, event: Omit<IssueEvent, "id" | "at">): void =>
  void issue.events.push({ ...event, id: world.nextId("event"), at: world.now() });

export function addIssue(world: World, repository: Repository, author: Account, made: NewIssue): Issue {
  const issue = placeIssue(world, repository, author, made);
  announceIssue(world, issue, "opened", author);
  for (const label of issue.labels) {
    happened(world, issue, { event: "labeled", actor: author, label });
    announceIssue(world, issue, "labeled", author, { label: labelShape(world, repository, label) });
  }
  return issue;
}

export type IssueEdit = {
  readonly title?: string;
  readonly body?: string;
  readonly state?: "open" | "closed";
  readonly stateReason?: string;
};

export function editIssue(world: World, issue: Issue, by: Account, edit: IssueEdit): void {
  if (edit.title !== undefined) checkTitle(edit.title);
  checkLength("Issue", edit.body);
  const changes: Record<string, { from: string }> = {};
  for (const field of ["title", "body"] as const) {
    const next = edit[field];
    if (next === undefined || next === issue[field]) continue;
    changes[field] = { from: issue[field] };
    issue[field] = next;
    if (field === "body") issue.editedAt = world.now();
    else happened(world, issue, { event: "renamed", actor: by, rename: { from: changes[field].from, to: next } });
  }
  issue.updatedAt = world.now();
  if (Object.keys(changes).length > 0) announceIssue(world, issue, "edited", by, { changes });
  // The reason of one that is closed can be changed.
  if (edit.state === "closed" && edit.stateReason !== undefined) issue.stateReason = edit.stateReason;
  if (edit.state === undefined || edit.state === issue.state) return;
  issue.state = edit.state;
  issue.closedAt = edit.state === "closed" ? world.now() : undefined;
  issue.stateReason = edit.stateReason ?? (edit.state === "closed" ? "completed" : "reopened");
  announceIssue(world, issue, edit.state === "closed" ? "closed" : "reopened", by);
}

/** Only a repository's own labels can be taken off again; unknown ones are made, as GitHub does for writers. */
export function labelOf(world: World, repository: Repository, name: string): Label {
  const found = repository.labels.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const label: Label = { id: world.nextId("label"), name, color: "ededed", description: "" };
  repository.labels.push(label);
  return label;
}

export function addLabels(world: World, issue: Issue, by: Account, names: readonly string[]): void {
  for (const name of names) {
    const label = labelOf(world, issue.repository, name);
    if (issue.labels.includes(label)) continue;
    issue.labels.push(label);
    happened(world, issue, { event: "labeled", actor: by, label });
    issue.updatedAt = world.now();
    announceIssue(world, issue, "labeled", by, { label: labelShape(world, issue.repository, label) });
  }
}

/** Throws 404 where the issue does not bear it. */
export function removeLabel(world: World, issue: Issue, by: Account, name: string): void {
  const label = issue.labels.find((each) => each.name.toLowerCase() === name.toLowerCase());
  if (label === undefined) throw new ApiError(404, "Label does not exist");
  issue.labels = issue.labels.filter((each) => each !== label);
  happened(world, issue, { event: "unlabeled", actor: by, label });
  issue.updatedAt = world.now();
  announceIssue(world, issue, "unlabeled", by, { label: labelShape(world, issue.repository, label) });
}

export function setLock(world: World, issue: Issue, by: Account, to: "locked" | "unlocked"): void {
  if (issue.locked === (to === "locked")) return;
  issue.locked = to === "locked";
  announceIssue(world, issue, to, by);
}

const announceComment = (world: World, comment: Comment, action: string, sender: Account, more: object = {}): void =>
  announce(world, {
    event: "issue_comment",
    action,
    sender,
    repository: comment.issue.repository,
    more: { issue: issueShape(world, comment.issue), comment: commentShape(world, comment), ...more },
  });

export function addComment(world: World, issue: Issue, author: Account, body: string): Comment {
  mayJoin(world, issue, author, "comment");
  if (body.trim() === "") throw invalid("IssueComment", "body", "missing_field");
  checkLength("IssueComment", body);
  const at = world.now();
  const made = { id: world.nextId("comment"), issue, author, body, createdAt: at, updatedAt: at, reactions: [] };
  issue.comments.push(made);
  issue.updatedAt = at;
  announceComment(world, made, "created", author);
  return made;
}

/** The editor need not be the author: writers may edit what others wrote. Nothing is announced where nothing changed. */
export function editComment(world: World, comment: Comment, by: Account, body: string): void {
  if (comment.author !== by && !writes(comment.issue.repository, by))
    throw new ApiError(403, "Must have admin rights to Repository.");
  if (body.trim() === "") throw invalid("IssueComment", "body", "missing_field");
  checkLength("IssueComment", body);
  const from = comment.body;
  if (from === body) return;
  comment.body = body;
  comment.updatedAt = world.now();
  announceComment(world, comment, "edited", by, { changes: { body: { from } } });
}

export function deleteComment(world: World, comment: Comment, by: Account): void {
  comment.issue.comments.splice(comment.issue.comments.indexOf(comment), 1);
  announceComment(world, comment, "deleted", by);
}

/** Finds the same person's equal reaction instead of adding a second one. Reactions cause no event. */
export function react(
  world: World,
  issue: Issue,
  on: { readonly reactions: Reaction[] },
  by: Account,
  content: string,
): { readonly reaction: Reaction; readonly isNew: boolean } {
  if (!reactionKinds.some((kind) => kind === content)) throw invalid("Reaction", "content", "invalid");
  mayJoin(world, issue, by, "reaction");
  const found = on.reactions.find((each) => each.author === by && each.content === content);
  if (found !== undefined) return { reaction: found, isNew: false };
  const reaction = { id: world.nextId("reaction"), author: by, content, createdAt: world.now() };
  on.reactions.push(reaction);
  return { reaction, isNew: true };
}
