/** What a person would see, as plain values for tests to look at. */
import { readCommit } from "./branches.ts";
import { readFiles, type ReadFile } from "./files.ts";
import { commitOf, refAt, refsBelow } from "./git.ts";
import { issueOf } from "./people.ts";
import { fullName, type CheckRun, type Comment, type Issue, type Reaction, type Repository } from "./state.ts";
import { repositoryNamed, type World } from "./world.ts";

/** `author content`, in the order in which they came. */
const reactionWords = (reactions: readonly Reaction[]): string[] =>
  reactions.map(({ author, content }) => `${author.login} ${content}`);

export type CommentView = {
  readonly id: number;
  readonly author: string;
  readonly body: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly reactions: readonly string[];
};
const commentView = (comment: Comment): CommentView => ({
  id: comment.id,
  author: comment.author.login,
  body: comment.body,
  createdAtMs: comment.createdAt,
  updatedAtMs: comment.updatedAt,
  reactions: reactionWords(comment.reactions),
});

export type IssueView = {
  readonly number: number;
  readonly author: string;
  readonly title: string;
  readonly body: string;
  readonly state: "open" | "closed";
  readonly locked: boolean;
  readonly labels: readonly string[];
  readonly reactions: readonly string[];
  readonly comments: readonly CommentView[];
  readonly pull: PullView | undefined;
};
/** `head` is `owner:branch`. */
export type PullView = {
  readonly head: string;
  readonly headSha: string;
  readonly base: string;
  readonly draft: boolean;
  readonly merged: boolean;
  readonly reviews: readonly string[];
  /** Logins, and the slugs of teams after them. */
  readonly asked: readonly string[];
  readonly lineComments: readonly {
    readonly id: number;
    readonly author: string;
    readonly body: string;
    readonly inReplyTo: number | undefined;
  }[];
};
function pullView({ pull }: Issue): PullView | undefined {
  if (pull === undefined) return undefined;
  return {
    head: `${pull.head.repository.owner.login}:${pull.head.branch}`,
    headSha: pull.head.sha,
    base: pull.base.branch,
    draft: pull.draft,
    merged: pull.mergedAt !== undefined,
    asked: [...[...pull.asked.people].map(({ login }) => login), ...pull.asked.teams],
    reviews: pull.reviews.map(({ author, body }) => `${author.login}: ${body}`),
    lineComments: pull.reviewComments.map(({ id, author, body, inReplyTo }) => ({
      id,
      author: author.login,
      body,
      inReplyTo,
    })),
  };
}
const issueView = (issue: Issue): IssueView => ({
  number: issue.number,
  author: issue.author.login,
  title: issue.title,
  body: issue.body,
  state: issue.state,
  locked: issue.locked,
  labels: issue.labels.map((each) => each.name),
  reactions: reactionWords(issue.reactions),
  comments: issue.comments.map(commentView),
  pull: pullView(issue),
});

export type CheckRunView = Pick<
  CheckRun,
  "id" | "sha" | "name" | "status" | "conclusion" | "detailsUrl" | "externalId" | "output" | "annotations" | "actions"
> & { readonly app: string; readonly startedAtMs: number | undefined; readonly completedAtMs: number | undefined };
const checkRunView = (run: CheckRun): CheckRunView => ({
  id: run.id,
  app: run.app.slug,
  sha: run.sha,
  name: run.name,
  status: run.status,
  conclusion: run.conclusion,
  detailsUrl: run.detailsUrl,
  externalId: run.externalId,
  output: run.output,
  annotations: run.annotations,
  actions: run.actions,
  startedAtMs: run.startedAt,
  completedAtMs: run.completedAt,
});

/** Ids, commit ids and instants left out, so that two ways to the same end compare equal. */
export type Snapshot = Readonly<Record<string, RepositorySnapshot>>;
export type RepositorySnapshot = {
  readonly issues: readonly unknown[];
  /** Branch → tree and first line of its newest commit. */
  readonly branches: Readonly<Record<string, string>>;
  readonly checkRuns: readonly unknown[];
};

async function commitWords(repository: Repository, sha: string): Promise<string> {
  const { tree, message } = await readCommit(repository, sha);
  return `${tree.slice(0, 12)} ${message.split("\n")[0] ?? ""}`;
}

async function repositorySnapshot(repository: Repository): Promise<RepositorySnapshot> {
  const branches: Record<string, string> = {};
  for (const [ref, sha] of await refsBelow(repository.directory, "refs/heads/"))
    branches[ref.replace("refs/heads/", "")] = await commitWords(repository, sha);
  const checkRuns = repository.checkRuns.map(
    async ({ sha, name, status, conclusion, externalId, output, annotations, app }) => ({
      commit: await commitWords(repository, sha),
      app: app.slug,
      name,
      status,
      conclusion,
      externalId,
      output,
      annotations,
    }),
  );
  const issues = repository.issues
    .filter((each) => !each.deleted)
    .map((each) => {
      const { pull, comments, ...view } = issueView(each);
      const shown = comments.map(({ author, body, reactions }) => ({ author, body, reactions }));
      const { headSha: _, ...pullShown } = pull ?? { headSha: "" };
      return { ...view, comments: shown, ...(pull !== undefined && { pull: pullShown }) };
    });
  return { issues, branches, checkRuns: await Promise.all(checkRuns) };
}

export type Reading = {
  /** Throws where there is none. */
  issue(repository: string, number: number): IssueView;
  issues(repository: string): IssueView[];
  pulls(repository: string): (IssueView & { readonly pull: PullView })[];
  comments(repository: string, number: number): readonly CommentView[];
  /** Oldest first; of one commit where an id is given. */
  checkRuns(repository: string, sha?: string): CheckRunView[];
  /** The branch's commit; undefined where there is no such branch. */
  branch(repository: string, name: string): Promise<string | undefined>;
  branches(repository: string): Promise<string[]>;
  /** All files at a branch, a full ref or a commit; the default branch unless given. Throws where it is not there. */
  files(repository: string, ref?: string): Promise<Record<string, ReadFile>>;
  commit(
    repository: string,
    ref: string,
  ): Promise<{
    readonly sha: string;
    readonly message: string;
    readonly author: string;
    readonly parents: readonly string[];
    readonly verified: boolean;
  }>;
  snapshot(): Promise<Snapshot>;
};

export function reading(world: World): Reading {
  const of = (name: string): Repository => repositoryNamed(world, name);
  const resolve = async (repository: Repository, ref: string): Promise<string> => {
    const sha = await commitOf(repository.directory, ref);
    if (sha === undefined) throw new Error(`${fullName(repository)} has no ${ref}`);
    return sha;
  };
  return {
    issue: (name, number) => issueView(issueOf(world, name, number)),
    issues: (name) => of(name).issues.map(issueView),
    pulls: (name) =>
      of(name)
        .issues.map(issueView)
        .flatMap(({ pull, ...view }) => (pull === undefined ? [] : [{ ...view, pull }])),
    comments: (name, number) => issueOf(world, name, number).comments.map(commentView),
    checkRuns: (name, sha) =>
      of(name)
        .checkRuns.filter((each) => sha === undefined || each.sha === sha)
        .map(checkRunView),
    branch: (name, branch) => refAt(of(name).directory, `refs/heads/${branch}`),
    branches: async (name) =>
      [...(await refsBelow(of(name).directory, "refs/heads/")).keys()].map((ref) => ref.replace("refs/heads/", "")),
    async files(name, ref = of(name).defaultBranch) {
      return readFiles(of(name).directory, await resolve(of(name), ref));
    },
    async commit(name, ref) {
      const sha = await resolve(of(name), ref);
      const { message, author, parents } = await readCommit(of(name), sha);
      return { sha, message, author: author.name, parents, verified: of(name).signed.has(sha) };
    },
    async snapshot() {
      const all = [...world.repositories.values()];
      return Object.fromEntries(
        await Promise.all(all.map(async (each) => [fullName(each), await repositorySnapshot(each)])),
      );
    },
  };
}
