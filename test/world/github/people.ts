/** What people do on GitHub's pages and with git, for tests to say: `github.as("dana").comment("acme/widgets", 1, "…")`. */
import { ApiError } from "./answer.ts";
import { moveBranch, signatureOf } from "./branches.ts";
import { announceCheck } from "./checks.ts";
import { issueShape } from "./conversation-shapes.ts";
import * as talk from "./conversations.ts";
import { commitFiles, type Files } from "./files.ts";
import { refAt } from "./git.ts";
import * as pulls from "./pulls.ts";
import { addRepository, copyRepository } from "./repositories.ts";
import { repositoryShape } from "./shapes.ts";
import { fullName, type Account, type CheckRun, type Comment, type Issue, type Review } from "./state.ts";
import { account, issueNumbered, repositoryNamed, type World } from "./world.ts";

/** Repositories are named `owner/name`. What GitHub would refuse is thrown as an `ApiError` with its status and words. */
export type Person = {
  /** The new comment's id. */
  comment(repository: string, number: number, body: string): number;
  /** Anybody's comment, as writers may. */
  edit(repository: string, commentId: number, body: string): void;
  deleteComment(repository: string, commentId: number): void;
  /** The new issue's number. */
  openIssue(repository: string, title: string, body?: string, labels?: readonly string[]): number;
  editIssue(repository: string, number: number, edit: talk.IssueEdit): void;
  /** Gone for good: 410 from then on. */
  deleteIssue(repository: string, number: number): void;
  /** Into another repository of the same owner; its new number there. */
  transferIssue(repository: string, number: number, to: string): number;
  close(repository: string, number: number): void;
  reopen(repository: string, number: number): void;
  label(repository: string, number: number, name: string): void;
  unlabel(repository: string, number: number, name: string): void;
  lock(repository: string, number: number): void;
  unlock(repository: string, number: number): void;
  react(repository: string, to: { readonly issue: number } | { readonly comment: number }, content: string): void;
  /** Commits on a branch (the default one unless told), which is made from the default branch where it is new. The new commit's id. */
  push(
    repository: string,
    files: Files,
    how?: { readonly branch?: string; readonly message?: string },
  ): Promise<string>;
  deleteBranch(repository: string, branch: string): Promise<void>;
  /** Under the person's own name; the fork's full name. */
  fork(repository: string): Promise<string>;
  /** `head` is a branch, or `owner:branch` of a fork. The new pull request's number. */
  openPull(
    repository: string,
    made: {
      readonly head: string;
      readonly title: string;
      readonly body?: string;
      readonly base?: string;
      readonly draft?: boolean;
    },
  ): Promise<number>;
  /** The merge commit's id. */
  merge(repository: string, number: number): Promise<string>;
  review(repository: string, number: number, body: string, state?: Review["state"]): number;
  /** A comment on a line of the difference; its id. */
  commentOnLine(
    repository: string,
    number: number,
    at: { readonly path: string; readonly line: number },
    body: string,
  ): number;
  /** "Re-run" on a check run. */
  rerequest(repository: string, checkRunId: number): void;
  /** One of a completed check run's buttons. Throws where it is not there. */
  press(repository: string, checkRunId: number, identifier: string): void;
  blockApp(): void;
  unblockApp(): void;
};

export function issueOf(world: World, repository: string, number: number): Issue {
  const found = issueNumbered(repositoryNamed(world, repository), number);
  if (found === undefined) throw new Error(`${repository} has no issue ${number}`);
  return found;
}

function commentOf(world: World, repository: string, id: number): Comment {
  const found = repositoryNamed(world, repository)
    .issues.flatMap((each) => each.comments)
    .find((each) => each.id === id);
  if (found === undefined) throw new Error(`${repository} has no comment ${id}`);
  return found;
}

function runOf(world: World, repository: string, id: number): CheckRun {
  const found = repositoryNamed(world, repository).checkRuns.find((each) => each.id === id);
  if (found === undefined) throw new Error(`${repository} has no check run ${id}`);
  return found;
}

async function push(
  world: World,
  by: Account,
  named: string,
  files: Files,
  how: { branch?: string; message?: string },
): Promise<string> {
  const repository = repositoryNamed(world, named);
  const { branch = repository.defaultBranch, message = `Change ${Object.keys(files).join(", ")}` } = how;
  const from = await refAt(repository.directory, `refs/heads/${branch}`);
  const parent = from ?? (await refAt(repository.directory, `refs/heads/${repository.defaultBranch}`));
  const to = await commitFiles(repository.directory, { parent, files, by: signatureOf(world, by), message });
  if (!(await moveBranch(world, repository, by, { branch, from, to })))
    throw new ApiError(422, "Update is not a fast forward");
  return to;
}

async function fork(world: World, by: Account, named: string): Promise<string> {
  const parent = repositoryNamed(world, named);
  const made = await addRepository(world, by, {
    name: parent.name,
    private: parent.private,
    parent,
    defaultBranch: parent.defaultBranch,
  });
  await copyRepository(parent, made);
  return fullName(made);
}

export function personOf(world: World, login: string): Person {
  const by = account(world, login);
  const issue = (repository: string, number: number): Issue => issueOf(world, repository, number);
  return {
    comment: (repository, number, body) => talk.addComment(world, issue(repository, number), by, body).id,
    edit: (repository, id, body) => talk.editComment(world, commentOf(world, repository, id), by, body),
    deleteComment: (repository, id) => talk.deleteComment(world, commentOf(world, repository, id), by),
    openIssue: (repository, title, body = "", labels = []) =>
      talk.addIssue(world, repositoryNamed(world, repository), by, { title, body, labels }).number,
    editIssue: (repository, number, edit) => talk.editIssue(world, issue(repository, number), by, edit),
    deleteIssue(repository, number) {
      const deleted = issue(repository, number);
      talk.announceIssue(world, deleted, "deleted", by);
      deleted.deleted = true;
    },
    transferIssue(repository, number, to) {
      const from = issue(repository, number);
      const { title, body } = from;
      from.movedTo = talk.placeIssue(world, repositoryNamed(world, to), from.author, { title, body, labels: [] });
      const changes = {
        new_issue: issueShape(world, from.movedTo),
        new_repository: repositoryShape(world, from.movedTo.repository),
      };
      talk.announceIssue(world, from, "transferred", by, { changes });
      return from.movedTo.number;
    },
    close: (repository, number) => talk.editIssue(world, issue(repository, number), by, { state: "closed" }),
    reopen: (repository, number) => talk.editIssue(world, issue(repository, number), by, { state: "open" }),
    label: (repository, number, name) => talk.addLabels(world, issue(repository, number), by, [name]),
    unlabel: (repository, number, name) => talk.removeLabel(world, issue(repository, number), by, name),
    lock: (repository, number) => talk.setLock(world, issue(repository, number), by, "locked"),
    unlock: (repository, number) => talk.setLock(world, issue(repository, number), by, "unlocked"),
    react(repository, to, content) {
      const on = "issue" in to ? issue(repository, to.issue) : commentOf(world, repository, to.comment);
      talk.react(world, "issue" in on ? on.issue : on, on, by, content);
    },
    push: (repository, files, how = {}) => push(world, by, repository, files, how),
    async deleteBranch(named, branch) {
      const repository = repositoryNamed(world, named);
      const from = await refAt(repository.directory, `refs/heads/${branch}`);
      await moveBranch(world, repository, by, { branch, from, to: undefined });
    },
    fork: (repository) => fork(world, by, repository),
    async openPull(named, { head, title, body = "", base, draft = false }) {
      const repository = repositoryNamed(world, named);
      const from = pulls.headNamed(world, repository, head);
      const made = {
        title,
        body,
        head: from,
        base: base ?? repository.defaultBranch,
        draft,
        maintainerCanModify: true,
      };
      return (await pulls.openPull(world, repository, by, made)).number;
    },
    merge: (repository, number) => pulls.mergePull(world, issue(repository, number), by),
    review: (repository, number, body, state = "commented") =>
      pulls.addReview(world, issue(repository, number), by, { body, state }).id,
    commentOnLine: (repository, number, at, body) =>
      pulls.addReviewComment(world, issue(repository, number), by, { ...at, body }).id,
    rerequest: (repository, id) => announceCheck(world, runOf(world, repository, id), "rerequested", by),
    press(repository, id, identifier) {
      const run = runOf(world, repository, id);
      // Buttons show only after the run completes.
      if (run.status !== "completed" || !run.actions.some((each) => each.identifier === identifier))
        throw new Error(`check run ${id} shows no button ${identifier}`);
      announceCheck(world, run, "requested_action", by, { requested_action: { identifier } });
    },
    blockApp() {
      by.hasBlockedApp = true;
    },
    unblockApp() {
      by.hasBlockedApp = false;
    },
  };
}
