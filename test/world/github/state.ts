/**
 * What the stand-in for GitHub remembers: accounts, installations, repositories, conversations and checks.
 * Commits are not here; they live in real bare repositories. Instants are milliseconds since 1970 by the caller's clock.
 */

export type Level = "read" | "write";
export type Permissions = { readonly [name: string]: Level };

/** `name` is what `role_name` says, custom roles included; `folded` is what `permission` says. */
export type Role = { readonly name: string; readonly folded: "admin" | "write" | "read" | "none" };

export type Account = {
  readonly id: number;
  readonly login: string;
  readonly type: "User" | "Organization" | "Bot";
  /** The role in every repository that does not say otherwise; undefined for a stranger. */
  role: Role | undefined;
  /** What `author_association` says, whatever the role is: private members appear as CONTRIBUTOR. */
  association: string | undefined;
  /** True once this person has blocked the app. */
  hasBlockedApp: boolean;
};

export type Installation = {
  readonly id: number;
  readonly account: Account;
  repositories: "all" | Set<number>;
  permissions: Permissions;
  suspendedAt: number | undefined;
  readonly createdAt: number;
};

export type Token = {
  readonly text: string;
  readonly installation: Installation;
  readonly repositories: "all" | ReadonlySet<number>;
  readonly permissions: Permissions;
  readonly createdAt: number;
  readonly expiresAt: number;
};

/** Who sends a request. */
export type Caller =
  | { readonly kind: "anonymous" }
  | { readonly kind: "app" }
  | { readonly kind: "token"; readonly token: Token };

export type App = {
  readonly id: number;
  readonly slug: string;
  readonly clientId: string;
  readonly permissions: Permissions;
  readonly events: readonly string[];
  readonly bot: Account;
};

export type Label = { readonly id: number; name: string; color: string; description: string };
export type Reaction = {
  readonly id: number;
  readonly author: Account;
  readonly content: string;
  readonly createdAt: number;
};

export type Comment = {
  readonly id: number;
  readonly issue: Issue;
  readonly author: Account;
  body: string;
  readonly createdAt: number;
  updatedAt: number;
  readonly reactions: Reaction[];
};

export type Review = {
  readonly id: number;
  readonly author: Account;
  readonly body: string;
  readonly state: "commented" | "approved" | "changes_requested";
  readonly sha: string;
  readonly submittedAt: number;
};

export type ReviewComment = {
  readonly id: number;
  readonly author: Account;
  body: string;
  readonly path: string;
  readonly line: number;
  readonly sha: string;
  readonly createdAt: number;
  updatedAt: number;
  readonly reviewId: number;
  readonly inReplyTo: number | undefined;
  readonly reactions: Reaction[];
};

export type Pull = {
  readonly head: { readonly repository: Repository; readonly branch: string; sha: string };
  readonly base: { readonly branch: string; readonly sha: string };
  draft: boolean;
  mergedAt: number | undefined;
  mergedBy: Account | undefined;
  mergeCommit: string | undefined;
  readonly maintainerCanModify: boolean;
  readonly reviews: Review[];
  /** Who is asked to review. */
  readonly asked: { readonly people: Set<Account>; readonly teams: Set<string> };
  readonly reviewComments: ReviewComment[];
};

/** What happened to an issue, as `GET …/events` lists it; of all kinds only those that are asked for. */
export type IssueEvent = {
  readonly id: number;
  readonly event: "labeled" | "unlabeled" | "renamed";
  readonly actor: Account;
  readonly at: number;
  readonly label?: Label;
  readonly rename?: { readonly from: string; readonly to: string };
};

/** An issue, or a pull request where `pull` is there: both share one row of numbers, as on GitHub. */
export type Issue = {
  readonly id: number;
  readonly number: number;
  readonly repository: Repository;
  readonly author: Account;
  title: string;
  body: string;
  state: "open" | "closed";
  stateReason: string | undefined;
  locked: boolean;
  /** Answers 410 from then on. */
  deleted: boolean;
  /** Where it went: its old address answers 301 from then on. */
  movedTo: Issue | undefined;
  labels: Label[];
  readonly comments: Comment[];
  readonly reactions: Reaction[];
  readonly createdAt: number;
  updatedAt: number;
  closedAt: number | undefined;
  readonly events: IssueEvent[];
  /** When its text was changed last. */
  editedAt: number | undefined;
  readonly pull: Pull | undefined;
};

export type Annotation = { readonly path: string; readonly message: string } & Readonly<Record<string, unknown>>;
export type CheckAction = { readonly label: string; readonly description: string; readonly identifier: string };

export type CheckRun = {
  readonly id: number;
  /** Who made it; no other app may change it. */
  readonly app: App;
  readonly repository: Repository;
  readonly sha: string;
  readonly suite: CheckSuite;
  name: string;
  status: "queued" | "in_progress" | "completed";
  conclusion: string | undefined;
  detailsUrl: string | undefined;
  externalId: string;
  startedAt: number | undefined;
  completedAt: number | undefined;
  output: { title: string; summary: string; text: string | undefined } | undefined;
  readonly annotations: Annotation[];
  actions: readonly CheckAction[];
};

export type CheckSuite = {
  readonly id: number;
  readonly app: App;
  readonly sha: string;
  readonly branch: string | undefined;
};

export type Job = {
  readonly name: string;
  readonly conclusion: string;
  readonly steps: readonly { readonly name: string; readonly conclusion: string }[];
  readonly log: string;
};

/** A finished attempt at a run of GitHub Actions; those of one run share its id and number. */
export type WorkflowRun = {
  readonly id: number;
  readonly repository: Repository;
  /** Where its code is from: another one for a pull request from a fork. */
  readonly headRepository: Repository;
  /** Below `.github/workflows/`. */
  readonly file: string;
  readonly name: string;
  /** What the list of runs shows: the workflow's name, its `run-name`, or a commit's first line. */
  readonly title: string;
  readonly event: string;
  readonly branch: string;
  readonly sha: string;
  readonly number: number;
  readonly attempt: number;
  readonly conclusion: string;
  readonly jobs: readonly Job[];
  readonly createdAt: number;
  readonly endedAt: number;
};

/** How a protected branch refuses: the status and the sentence that GitHub would answer. */
export type Protection = { readonly status: 409 | 422; readonly message: string };

export type Repository = {
  readonly id: number;
  readonly owner: Account;
  name: string;
  readonly formerNames: string[];
  readonly private: boolean;
  readonly defaultBranch: string;
  readonly parent: Repository | undefined;
  hasIssues: boolean;
  archived: boolean;
  /** The bare repository. */
  readonly directory: string;
  readonly roles: Map<string, Role>;
  /** Slugs of teams of the owner that can read it. */
  readonly teams: ReadonlySet<string>;
  readonly protections: Map<string, Protection>;
  readonly labels: Label[];
  readonly issues: Issue[];
  readonly checkSuites: CheckSuite[];
  readonly checkRuns: CheckRun[];
  /** Commits that GitHub signed. */
  readonly signed: Set<string>;
  readonly createdAt: number;
};

export const fullName = (repository: Repository): string => `${repository.owner.login}/${repository.name}`;

const roles: Readonly<Record<string, Role["folded"]>> = {
  admin: "admin",
  maintain: "write",
  write: "write",
  triage: "read",
  read: "read",
  none: "none",
};

/** A built-in role by its name; a custom role names the permission that it is built on. */
export function role(named: string | { readonly name: string; readonly base: string }): Role {
  const [name, base] = typeof named === "string" ? [named, named] : [named.name, named.base];
  const folded = roles[base];
  if (folded === undefined) throw new Error(`no role of GitHub is called ${base}`);
  return { name, folded };
}

/** What a person may do in a repository. On a public one everybody reads. */
export function roleIn(repository: Repository, account: Account): Role {
  const own = repository.roles.get(account.login.toLowerCase());
  if (own !== undefined) return own;
  if (account === repository.owner) return role("admin");
  const isPersonal = repository.owner.type === "User";
  if (account.role !== undefined && !isPersonal) return account.role;
  return role(repository.private ? "none" : "read");
}

/** What GitHub writes beside a comment. Says nothing of authority. */
export function associationIn(repository: Repository, account: Account): string {
  if (account.association !== undefined) return account.association;
  if (account === repository.owner) return "OWNER";
  if (account.type === "Bot") return "NONE";
  const { folded } = roleIn(repository, account);
  if (folded === "admin" || folded === "write") return "MEMBER";
  return "NONE";
}
