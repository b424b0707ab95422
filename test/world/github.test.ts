/** The stand-in for GitHub, asked through GitHub's own client and through git: it must do what GitHub does and refuse what GitHub refuses. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { verify } from "@octokit/webhooks-methods";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { badGateway, secondaryLimit } from "./github/faults.ts";
import { gitEnvironment, tryGit } from "./github/git.ts";
import { limits } from "./github/limits.ts";
import { openGitHub, type GitHubOptions, type GitHubStandIn } from "./github/open-github.ts";
import { needs } from "./needs.ts";

const webhookSecret = "it is a secret to everybody";
const repo = { owner: "acme", repo: "widgets" };
const startMs = Date.parse("2026-11-25T08:00:00Z");

type Clock = { nowMs: number };
const clocks = new WeakMap<GitHubStandIn, Clock>();
const pass = (github: GitHubStandIn, ms: number): void => {
  const clock = clocks.get(github);
  if (clock === undefined) throw new Error("no clock");
  clock.nowMs += ms;
};

let opened: GitHubStandIn[] = [];
afterEach(async () => {
  for (const github of opened.splice(0)) {
    expect(github.unknownRequests).toEqual([]);
    expect(github.faults.unused()).toEqual([]);
    await github.close();
  }
});

async function open(options: Partial<GitHubOptions> = {}): Promise<GitHubStandIn> {
  const directory = await mkdtemp(join(tmpdir(), "github-stand-in-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const clock = { nowMs: startMs };
  const github = await openGitHub({ directory, now: () => clock.nowMs, webhookSecret, ...options });
  clocks.set(github, clock);
  opened.push(github);
  return github;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

const client = (github: GitHubStandIn, auth: string = github.token()): Octokit =>
  new Octokit({ auth, baseUrl: github.apiUrl, request: { fetch: github.fetch }, log: silent });

const asApp = (github: GitHubStandIn): Octokit =>
  new Octokit({
    authStrategy: createAppAuth,
    auth: { appId: github.app.id, privateKey: github.app.privateKey },
    baseUrl: github.apiUrl,
    request: { fetch: github.fetch },
    log: silent,
  });

/** Status and words of a refusal; fails where there is none. */
async function refusalOf(call: Promise<unknown>): Promise<{ status: number; message: string }> {
  const error: unknown = await call.then(
    () => new Error("it was not refused"),
    (caught: unknown) => caught,
  );
  if (!(error instanceof Error) || !("status" in error)) throw error;
  return { status: Number(error.status), message: error.message };
}

const refuses = async (call: Promise<unknown>, status: number, words: string | RegExp): Promise<void> => {
  const refused = await refusalOf(call);
  expect(refused.message).toMatch(words);
  expect(refused.status).toBe(status);
};

const head = async (github: GitHubStandIn, branch = "main"): Promise<string> =>
  (await github.branch("acme/widgets", branch)) ?? "";

describe("tokens", () => {
  test("an app's JWT makes a token that is good for an hour, in the named repository, with the named rights", async () => {
    const github = await open();
    await github.repository("acme/gears");
    const { data } = await asApp(github).rest.apps.createInstallationAccessToken({
      installation_id: github.installation,
      repositories: ["widgets"],
      permissions: { contents: "read" },
    });
    expect(data.token).toMatch(/^ghs_7001_.{500,}$/);
    expect(data.expires_at).toBe("2026-11-25T09:00:00Z");
    const octokit = client(github, data.token);
    expect((await octokit.rest.repos.get(repo)).data.full_name).toBe("acme/widgets");
    await refuses(octokit.rest.issues.create({ ...repo, title: "x" }), 403, "not accessible by integration");
    const blob = octokit.rest.git.createBlob({ owner: "acme", repo: "gears", content: "x" });
    await refuses(blob, 403, "not accessible by integration");
    expect((await octokit.rest.apps.listReposAccessibleToInstallation()).data.total_count).toBe(1);
    pass(github, limits.tokenLifeMs);
    await refuses(octokit.rest.repos.get(repo), 401, "Bad credentials");
  });

  test("nobody gets in by a made-up token, another app's JWT, or a revoked token", async () => {
    const github = await open();
    await refuses(client(github, "ghs_7001_made.up.token").rest.repos.get(repo), 401, "Bad credentials");
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const other = new Octokit({
      authStrategy: createAppAuth,
      auth: { appId: github.app.id, privateKey: privateKey.export({ type: "pkcs8", format: "pem" }) },
      baseUrl: github.apiUrl,
      request: { fetch: github.fetch },
      log: silent,
    });
    await refuses(other.rest.apps.getAuthenticated(), 401, "could not be decoded");
    const octokit = client(github);
    await octokit.rest.apps.revokeInstallationAccessToken();
    await refuses(octokit.rest.repos.get(repo), 401, "Bad credentials");
  });

  test("more than was granted, unknown repositories, suspended and removed installations are refused", async () => {
    const github = await open();
    const app = asApp(github);
    const mint = (more: object) =>
      app.rest.apps.createInstallationAccessToken({ installation_id: github.installation, ...more });
    await refuses(mint({ permissions: { workflows: "write" } }), 422, "not granted");
    await refuses(mint({ repositories: ["nothing"] }), 422, "at least one repository");
    github.suspend(github.installation);
    await refuses(mint({}), 403, "suspended");
    github.unsuspend(github.installation);
    github.uninstall(github.installation);
    await refuses(mint({}), 404, "Not Found");
  });

  test("a private repository does not exist for those who may not see it", async () => {
    const github = await open();
    await github.repository("acme/secret", { a: "a" }, { private: true });
    const octokit = client(github, github.token({ only: ["acme/widgets"] }));
    await refuses(octokit.rest.repos.get({ owner: "acme", repo: "secret" }), 404, "Not Found");
  });
});

describe("permissions", () => {
  test("role_name tells the truth, permission folds it, bots are no users", async () => {
    const github = await open();
    const of = async (username: string) => {
      const { data } = await client(github).rest.repos.getCollaboratorPermissionLevel({ ...repo, username });
      return `${data.permission} ${data.role_name}`;
    };
    expect(await of("dana")).toBe("write write");
    expect(await of("olly")).toBe("read read");
    github.setRole("acme/widgets", "olly", "triage");
    expect(await of("olly")).toBe("read triage");
    github.setRole("acme/widgets", "olly", { name: "release manager", base: "maintain" });
    expect(await of("olly")).toBe("write release manager");
    await refuses(of("parhelia[bot]"), 404, "not a user");
  });
});

describe("conversations", () => {
  test("comments, reactions and labels are kept, and a reaction is made once", async () => {
    const github = await open();
    const octokit = client(github);
    const number = github.as("olly").openIssue("acme/widgets", "It breaks", "Look");
    const { data } = await octokit.rest.issues.createComment({ ...repo, issue_number: number, body: "one" });
    pass(github, 1000);
    await octokit.rest.issues.updateComment({ ...repo, comment_id: data.id, body: "two" });
    const react = () => octokit.rest.reactions.createForIssue({ ...repo, issue_number: number, content: "eyes" });
    expect([(await react()).status, (await react()).status]).toEqual([201, 200]);
    await octokit.rest.issues.addLabels({ ...repo, issue_number: number, labels: ["parhelia"] });
    expect(github.issue("acme/widgets", number)).toMatchObject({
      author: "olly",
      labels: ["parhelia"],
      reactions: ["parhelia[bot] eyes"],
      comments: [{ author: "parhelia[bot]", body: "two", createdAtMs: startMs, updatedAtMs: startMs + 1000 }],
    });
  });

  test("too long, locked, blocked, deleted and another's are refused in GitHub's words", async () => {
    const github = await open();
    const octokit = client(github);
    const number = github.as("olly").openIssue("acme/widgets", "It breaks");
    const say = (body: string) => octokit.rest.issues.createComment({ ...repo, issue_number: number, body });
    await say("é".repeat(limits.bodyCharacters));
    await refuses(say("é".repeat(limits.bodyCharacters + 1)), 422, "body is too long");
    const comment_id = github.as("olly").comment("acme/widgets", number, "mine");
    await refuses(octokit.rest.issues.updateComment({ ...repo, comment_id, body: "x" }), 403, "Must have admin rights");
    github.as("dana").lock("acme/widgets", number);
    await refuses(say("hello"), 403, "issue is locked");
    github.as("dana").comment("acme/widgets", number, "writers still may");
    github.as("dana").unlock("acme/widgets", number);
    github.as("olly").blockApp();
    await refuses(say("hello"), 422, "User is blocked");
    github.as("olly").unblockApp();
    github.as("dana").deleteIssue("acme/widgets", number);
    await refuses(say("hello"), 410, "deleted");
  });

  test("a renamed repository is found under its old name", async () => {
    const github = await open();
    github.as("dana").openIssue("acme/widgets", "It breaks");
    github.rename("acme/widgets", "gadgets");
    const answer = await github.fetch(`${github.apiUrl}/repos/acme/widgets/issues/1`);
    expect(answer.status).toBe(301);
    const moved = await github.fetch(answer.headers.get("location") ?? "");
    expect(await moved.json()).toMatchObject({ title: "It breaks" });
  });

  test("lists come in pages, and an unchanged one costs nothing", async () => {
    const github = await open();
    for (let n = 1; n <= 45; n++) github.as("dana").openIssue("acme/widgets", `Issue ${n}`);
    const octokit = client(github);
    expect(await octokit.paginate(octokit.rest.issues.listForRepo, repo)).toHaveLength(45);
    const first = await octokit.rest.issues.listForRepo(repo);
    const again = octokit.rest.issues.listForRepo({ ...repo, headers: { "if-none-match": first.headers.etag ?? "" } });
    expect((await refusalOf(again)).status).toBe(304);
    const next = await octokit.rest.issues.get({ ...repo, issue_number: 1 });
    expect(next.headers["x-ratelimit-used"]).toBe("4");
  });
});

describe("check runs", () => {
  const output = { title: "t", summary: "s" };

  test("annotations are appended, 50 a request, and a completed run shows its buttons", async () => {
    const github = await open();
    const octokit = client(github);
    const head_sha = await head(github);
    const annotations = Array.from({ length: 50 }, (_, n) => ({
      path: "README.md",
      start_line: n + 1,
      end_line: n + 1,
      annotation_level: "warning" as const,
      message: `m${n}`,
    }));
    const actions = [{ label: "Again", description: "Runs it again", identifier: "again" }];
    const { data } = await octokit.rest.checks.create({ ...repo, name: "parhelia", head_sha, external_id: "t_1" });
    const check_run_id = data.id;
    const edit = (more: object) => octokit.rest.checks.update({ ...repo, check_run_id, ...more });
    await edit({ output: { ...output, annotations } });
    await edit({ output: { ...output, annotations: annotations.slice(0, 30) } });
    await refuses(
      edit({ output: { ...output, annotations: [...annotations, ...annotations] } }),
      422,
      "Invalid request",
    );
    const list = await octokit.paginate(octokit.rest.checks.listAnnotations, { ...repo, check_run_id });
    expect(list).toHaveLength(80);
    expect(() => github.as("dana").press("acme/widgets", check_run_id, "again")).toThrow("no button");
    await edit({ conclusion: "neutral", actions });
    github.as("dana").press("acme/widgets", check_run_id, "again");
    const [run] = github.checkRuns("acme/widgets", head_sha);
    expect(run).toMatchObject({ status: "completed", conclusion: "neutral", externalId: "t_1", completedAt: startMs });
    const pressed = github.deliveries.pending().at(-1);
    expect(pressed).toMatchObject({ event: "check_run", action: "requested_action" });
  });

  test("what GitHub refuses of a check run", async () => {
    const github = await open();
    const octokit = client(github);
    const head_sha = await head(github);
    const make = (more: object) => octokit.rest.checks.create({ ...repo, name: "parhelia", head_sha, ...more });
    // Two bytes each: GitHub counts bytes.
    const tooLong = "é".repeat(limits.checkTextBytes / 2 + 1);
    await make({ output: { title: "t", summary: "s".repeat(limits.checkTextBytes) } });
    await refuses(make({ output: { title: "t", summary: tooLong } }), 422, "summary");
    await refuses(make({ head_sha: "a".repeat(40) }), 422, "No commit found");
    await refuses(make({ status: "completed" }), 422, "conclusion");
    const action = { label: "x".repeat(21), description: "d", identifier: "i" };
    await refuses(make({ actions: [action] }), 422, "label");
    const foreign = await github.foreignCheck("acme/widgets", head_sha, "build");
    const edit = octokit.rest.checks.update({ ...repo, check_run_id: foreign, name: "mine" });
    await refuses(edit, 403, "can only be modified by the GitHub App that created it");
    await refuses(octokit.rest.checks.get({ ...repo, check_run_id: 1 }), 404, "Not Found");
    const reader = client(github, github.token({ permissions: { checks: "read" } }));
    await refuses(reader.rest.checks.create({ ...repo, name: "x", head_sha }), 403, "not accessible");
  });
});

const mutation = `mutation ($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid url signature { isValid } } ref { name } }
}`;

describe("commits", () => {
  const commit = async (github: GitHubStandIn, more: object = {}, auth = github.token()) => {
    const input = {
      branch: { repositoryNameWithOwner: "acme/widgets", branchName: "work" },
      expectedHeadOid: await head(github, "work"),
      message: { headline: "Fix it", body: "Co-authored-by: dana" },
      fileChanges: {
        additions: [{ path: 'src/naïve "q".txt', contents: Buffer.from("hello\n").toString("base64") }],
        deletions: [{ path: "old.txt" }],
      },
      ...more,
    };
    return client(github, auth).graphql(mutation, { input });
  };

  test("GraphQL makes a signed commit on a branch that has not moved", async () => {
    const github = await open();
    await github.repository("acme/widgets", { "old.txt": "old", "keep.txt": "keep" });
    const sha = await head(github);
    await client(github).rest.git.createRef({ ...repo, ref: "refs/heads/work", sha });
    await expect(commit(github, { expectedHeadOid: "b".repeat(40) })).rejects.toThrow("Expected branch to point to");
    expect(await commit(github)).toMatchObject({
      createCommitOnBranch: { commit: { signature: { isValid: true } }, ref: { name: "work" } },
    });
    const files = await github.files("acme/widgets", "work");
    expect(Object.keys(files)).toEqual(["README.md", "keep.txt", 'src/naïve "q".txt']);
    expect(await github.commit("acme/widgets", "work")).toMatchObject({
      message: "Fix it\n\nCo-authored-by: dana",
      author: "parhelia[bot]",
      parents: [sha],
      verified: true,
    });
    await expect(commit(github)).rejects.toThrow("does not exist as of commit oid");
    const reader = github.token({ permissions: { contents: "read" } });
    await expect(commit(github, {}, reader)).rejects.toThrow("Resource not accessible by integration");
  });

  test("GraphQL refuses missing branches, workflow files, protected branches and unknown fields before it writes", async () => {
    const github = await open();
    const octokit = client(github);
    const expectedHeadOid = await head(github);
    const fileChanges = { additions: [{ path: "a", contents: "YQ==" }] };
    await expect(commit(github, { expectedHeadOid, fileChanges })).rejects.toThrow("No ref found");
    const branch = { repositoryNameWithOwner: "acme/widgets", branchName: "main" };
    const additions = [{ path: ".github/workflows/ci.yml", contents: "YQ==" }];
    const workflow = commit(github, { branch, expectedHeadOid, fileChanges: { additions } });
    await expect(workflow).rejects.toThrow("Resource not accessible");
    const misspelt = mutation.replace("isValid", "isvalid");
    const input = { branch, expectedHeadOid, fileChanges, message: { headline: "x" } };
    await expect(octokit.graphql(misspelt, { input })).rejects.toThrow("Field 'isvalid' doesn't exist");
    github.protect("acme/widgets", "main", { status: 422, message: "Changes must be made through a pull request." });
    await expect(octokit.graphql(mutation, { input })).rejects.toThrow("through a pull request");
    expect(await head(github)).toBe(expectedHeadOid);
  });

  test("Git Data keeps modes, links and submodules, removes, and signs only what names nobody", async () => {
    const github = await open();
    await github.repository("acme/widgets", { "run.sh": "#!/bin/sh\n", "gone/x": "x", "gone/y": "y" });
    const { git } = client(github).rest;
    const parent = await head(github);
    const run = (await git.createBlob({ ...repo, content: "#!/bin/sh\n" })).data.sha;
    const { data: tree } = await git.createTree({
      ...repo,
      base_tree: parent,
      tree: [
        { path: "run.sh", mode: "100755", type: "blob", sha: run },
        { path: "latest", mode: "120000", type: "blob", content: "v2" },
        { path: "vendor/lib", mode: "160000", type: "commit", sha: "c".repeat(40) },
        { path: "gone/x", mode: "100644", type: "blob", sha: null },
        { path: "dir/trailing ", mode: "100644", type: "blob", content: "1" },
        { path: "tab\there", mode: "100644", type: "blob", content: "2" },
        { path: "-rf", mode: "100644", type: "blob", content: "3" },
      ],
    });
    const made = { ...repo, message: "All of it", tree: tree.sha, parents: [parent] };
    const { data } = await git.createCommit(made);
    expect(data.verification).toMatchObject({ verified: true, reason: "valid" });
    const dana = { name: "dana", email: "dana@example.com" };
    const named = (await git.createCommit({ ...made, author: dana })).data.verification;
    expect(named).toMatchObject({ verified: false, reason: "unsigned" });
    await git.createRef({ ...repo, ref: "refs/heads/work", sha: data.sha });
    expect(await github.files("acme/widgets", "work")).toEqual({
      "-rf": { mode: "100644", text: "3" },
      "README.md": { mode: "100644", text: "# widgets\n" },
      "dir/trailing ": { mode: "100644", text: "1" },
      "gone/y": { mode: "100644", text: "y" },
      "tab\there": { mode: "100644", text: "2" },
      latest: { mode: "120000", text: "v2" },
      "run.sh": { mode: "100755", text: "#!/bin/sh\n" },
      "vendor/lib": { mode: "160000", text: "c".repeat(40) },
    });
    const { data: compared } = await client(github).rest.repos.compareCommitsWithBasehead({
      ...repo,
      basehead: "main...work",
    });
    expect(compared).toMatchObject({ status: "ahead", ahead_by: 1, behind_by: 0 });
    expect(compared.files).toHaveLength(7);
  });

  test("refs: twice, backwards, missing and unsigned worlds", async () => {
    const github = await open({ commitSigning: "unsigned" });
    const { git } = client(github).rest;
    const first = await head(github);
    const second = await github.as("dana").push("acme/widgets", { a: "a" });
    const ref = { ...repo, ref: "heads/work" };
    const create = () => git.createRef({ ...repo, ref: "refs/heads/work", sha: second });
    await create();
    await refuses(create(), 422, "Reference already exists");
    await refuses(git.updateRef({ ...ref, sha: first }), 422, "not a fast forward");
    await git.updateRef({ ...ref, sha: first, force: true });
    await refuses(git.updateRef({ ...repo, ref: "heads/none", sha: first }), 422, "does not exist");
    await refuses(
      git.createTree({ ...repo, base_tree: first, tree: [{ path: "no", mode: "100644", sha: null }] }),
      422,
      "BadObjectState",
    );
    const workflow = [{ path: ".github/workflows/ci.yml", mode: "100644" as const, content: "on: push" }];
    await refuses(git.createTree({ ...repo, base_tree: first, tree: workflow }), 403, "not accessible by integration");
    const { data: old } = await git.getCommit({ ...repo, commit_sha: first });
    const { data } = await git.createCommit({ ...repo, message: "x", tree: old.tree.sha, parents: [second] });
    expect(data.verification.verified).toBe(false);
    await git.deleteRef(ref);
    await refuses(git.getRef(ref), 404, "Not Found");
    github.protect("acme/widgets", "main", { status: 409, message: "Repository rule violations found" });
    await refuses(git.updateRef({ ...repo, ref: "heads/main", sha: data.sha }), 409, "rule violations");
  });

  test("two writers race for one ref, and one of them loses", async () => {
    const github = await open();
    const { git } = client(github).rest;
    const sha = await head(github);
    const both = Array.from({ length: 2 }, () => git.createRef({ ...repo, ref: "refs/heads/race", sha }));
    const outcomes = (await Promise.allSettled(both)).map((each) => each.status);
    expect(outcomes.sort()).toEqual(["fulfilled", "rejected"]);
  });

  test("contents, branches and commits can be read", async () => {
    const github = await open();
    await github.repository("acme/widgets", { "docs/a b.md": "text" });
    const { repos } = client(github).rest;
    const { data } = await repos.getContent({ ...repo, path: "docs/a b.md" });
    expect(data).toMatchObject({ type: "file", content: Buffer.from("text").toString("base64") });
    expect((await repos.getContent({ ...repo, path: "docs" })).data).toMatchObject([{ path: "docs/a b.md" }]);
    await refuses(repos.getContent({ ...repo, path: "docs", ref: "none" }), 404, "No commit found");
    await github.as("dana").push("acme/widgets", { b: "b" }, { branch: "feat/x" });
    expect((await repos.getBranch({ ...repo, branch: "feat/x" })).data.commit.sha).toBe(await head(github, "feat/x"));
    const { data: commit } = await repos.getCommit({ ...repo, ref: "feat/x" });
    expect(commit.files).toMatchObject([{ filename: "b", status: "added", additions: 1 }]);
    expect(commit.author?.login).toBe("dana");
  });
});

describe("pull requests", () => {
  test("one is made between branches that differ, and only once", async () => {
    const github = await open();
    const { pulls } = client(github).rest;
    const make = (from: string) => pulls.create({ ...repo, title: "Fix", head: from, base: "main" });
    await refuses(make("work"), 422, '"field":"head"');
    await client(github).rest.git.createRef({ ...repo, ref: "refs/heads/work", sha: await head(github) });
    await refuses(make("work"), 422, "No commits between main and work");
    await github.as("dana").push("acme/widgets", { a: "a" }, { branch: "work" });
    const { data } = await make("work");
    await refuses(make("work"), 422, "A pull request already exists for acme:work");
    expect((await pulls.list({ ...repo, head: "acme:work" })).data.map((each) => each.number)).toEqual([data.number]);
    await refuses(pulls.create({ ...repo, title: "x", head: "work", base: "none" }), 422, '"field":"base"');
    await github.as("dana").merge("acme/widgets", data.number);
    expect(github.issue("acme/widgets", data.number)).toMatchObject({ state: "closed", pull: { merged: true } });
  });

  test("a fork's head is at refs/pull/N/head here, and its branch name means nothing here", async () => {
    const github = await open();
    const fork = await github.as("olly").fork("acme/widgets");
    const theirs = await github.as("olly").push(fork, { evil: "x" });
    const number = await github.as("olly").openPull("acme/widgets", { head: "olly:main", title: "Please" });
    const { data } = await client(github).rest.pulls.get({ ...repo, pull_number: number });
    expect(data).toMatchObject({ head: { ref: "main", sha: theirs, repo: { full_name: "olly/widgets" } } });
    expect(await head(github)).not.toBe(theirs);
    const ref = `pull/${number}/head`;
    expect((await client(github).rest.git.getRef({ ...repo, ref })).data.object.sha).toBe(theirs);
    const later = await github.as("olly").push(fork, { more: "x" });
    expect((await client(github).rest.git.getRef({ ...repo, ref })).data.object.sha).toBe(later);
    expect(github.deliveries.pending().at(-1)).toMatchObject({ event: "pull_request", action: "synchronize" });
    const { data: run } = await client(github).rest.checks.create({ ...repo, name: "parhelia", head_sha: later });
    expect(run.pull_requests).toEqual([]);
    const blob = client(github).rest.git.createBlob({ owner: "olly", repo: "widgets", content: "x" });
    await refuses(blob, 403, "not accessible");
  });
});

describe("git over HTTP", () => {
  test.skipIf(!needs("git"))("the token decides who may clone, fetch a fork's head and push", async () => {
    const github = await open();
    await github.repository("acme/secret", { a: "a" }, { private: true });
    const { url } = await github.listen();
    const directory = await mkdtemp(join(tmpdir(), "github-clone-"));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const env = {
      ...gitEnvironment,
      GIT_AUTHOR_NAME: "d",
      GIT_AUTHOR_EMAIL: "d@x",
      GIT_COMMITTER_NAME: "d",
      GIT_COMMITTER_EMAIL: "d@x",
    };
    const run = (args: string[], cwd = directory) => tryGit(cwd, args, { env });
    const at = (token: string, name: string): string =>
      `${url.replace("//", `//x-access-token:${token}@`)}/acme/${name}.git`;
    const reader = github.token({ permissions: { contents: "read" } });
    expect((await run(["clone", "-q", `${url}/acme/secret.git`, "none"])).stderr).toContain("could not read Username");
    expect(
      (await run(["clone", "-q", at(github.token({ only: ["acme/widgets"] }), "secret"), "none"])).stderr,
    ).toContain("not found");
    expect(await run(["clone", "-q", at(reader, "secret"), "secret"])).toMatchObject({ code: 0 });
    const clone = join(directory, "secret");
    await run(["commit", "-q", "--allow-empty", "-m", "by git"], clone);
    const refused = await run(["push", "-q", "origin", "HEAD:main"], clone);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("403");
    const pushed = await run(["push", "-q", at(github.token(), "secret"), "HEAD:main"], clone);
    expect(pushed).toMatchObject({ code: 0 });
    expect(github.pushes).toMatchObject([{ repository: "acme/secret", branch: "main" }]);
    const hidden = await run(["push", "-q", at(github.token(), "secret"), "HEAD:refs/pull/1/head"], clone);
    expect(hidden.stderr).toContain("hidden ref");

    const fork = await github.as("olly").fork("acme/widgets");
    const theirs = await github.as("olly").push(fork, { evil: "x" });
    await github.as("olly").openPull("acme/widgets", { head: "olly:main", title: "Please" });
    const fetched = await run(["fetch", "-q", "--depth=1", at(reader, "widgets"), "refs/pull/1/head"], clone);
    expect(fetched).toMatchObject({ code: 0 });
    expect((await run(["rev-parse", "FETCH_HEAD"], clone)).stdout.toString().trim()).toBe(theirs);
    expect(await run(["fetch", "-q", "--depth=1", at(reader, "widgets"), theirs], clone)).toMatchObject({ code: 0 });
    pass(github, limits.tokenLifeMs);
    expect((await run(["fetch", "-q", at(reader, "secret")], clone)).code).not.toBe(0);
  });
});

describe("deliveries", () => {
  const receive = (github: GitHubStandIn) => {
    const heard: { guid: string; event: string; body: Record<string, unknown> }[] = [];
    github.target = async (request) => {
      const text = await request.text();
      expect(await verify(webhookSecret, text, request.headers.get("x-hub-signature-256") ?? "")).toBe(true);
      const [guid, event] = ["x-github-delivery", "x-github-event"].map((name) => request.headers.get(name) ?? "");
      heard.push({ guid: guid ?? "", event: event ?? "", body: JSON.parse(text) });
      return new Response("", { status: 202 });
    };
    return heard;
  };

  test("are held until stepped, signed, and say who did what where", async () => {
    const github = await open();
    const heard = receive(github);
    const number = github.as("olly").openIssue("acme/widgets", "It breaks");
    const id = github.as("dana").comment("acme/widgets", number, "/parhelia run x");
    github.as("dana").edit("acme/widgets", id, "/parhelia run y");
    expect(heard).toEqual([]);
    await github.deliveries.deliverAll();
    expect(heard.map((each) => `${each.event} ${String(each.body["action"])}`)).toEqual([
      "issues opened",
      "issue_comment created",
      "issue_comment edited",
    ]);
    expect(heard[2]?.body).toMatchObject({
      changes: { body: { from: "/parhelia run x" } },
      comment: { id, body: "/parhelia run y", user: { login: "dana", type: "User" }, author_association: "MEMBER" },
      issue: { number, user: { login: "olly" } },
      repository: { full_name: "acme/widgets", owner: { type: "Organization" } },
      organization: { login: "acme" },
      installation: { id: github.installation },
      sender: { login: "dana" },
    });
  });

  test("can be put out of order, lost, repeated, asked for again, and doubled by the organisation's hook", async () => {
    const github = await open();
    const heard = receive(github);
    github.organizationHook("acme");
    const number = github.as("olly").openIssue("acme/widgets", "It breaks");
    const [first, double] = github.deliveries.pending();
    expect(first?.guid).not.toBe(double?.guid);
    expect(double?.hook).toBe("organization");
    github.deliveries.drop(double, "lost");
    github.deliveries.drop(first);
    for (const body of ["one", "two", "three", "four"]) github.as("dana").comment("acme/widgets", number, body);
    const before = github.deliveries.pending().map((each) => each.guid);
    github.deliveries.shuffle(1);
    const after = github.deliveries.pending().map((each) => each.guid);
    expect(after).not.toEqual(before);
    expect(after.toSorted()).toEqual(before.toSorted());
    await github.deliveries.deliverAll();
    const app = asApp(github);
    const list = await app.rest.apps.listWebhookDeliveries({ per_page: 100 });
    const failed = list.data.find((each) => each.guid === first?.guid);
    expect(failed).toMatchObject({ status_code: 0, event: "issues" });
    await app.rest.apps.redeliverWebhookDelivery({ delivery_id: failed?.id ?? 0 });
    await github.deliveries.deliver();
    expect(heard.at(-1)).toMatchObject({ guid: first?.guid, event: "issues" });
  });

  test("our own push is announced as ours, with a check suite", async () => {
    const github = await open();
    const heard = receive(github);
    await client(github).rest.git.createRef({ ...repo, ref: "refs/heads/work", sha: await head(github) });
    await github.deliveries.deliverAll();
    expect(heard.map((each) => each.event)).toEqual(["check_suite"]);
    expect(heard[0]?.body).toMatchObject({ action: "requested", sender: { login: "parhelia[bot]", type: "Bot" } });
  });

  test("go out by themselves where asked to, and a hook that is away is a failed delivery", async () => {
    const github = await open({ deliveries: "auto" });
    const heard = receive(github);
    github.as("olly").openIssue("acme/widgets", "It breaks");
    await github.deliveries.settled();
    expect(heard).toHaveLength(1);
    github.target = () => Promise.reject(new Error("connection refused"));
    github.as("olly").openIssue("acme/widgets", "Again");
    await github.deliveries.settled();
    expect(github.deliveries.attempts().map((each) => each.status)).toEqual([202, 0]);
  });

  test("installations announce themselves, whatever the app subscribed to", async () => {
    const github = await open();
    const heard = receive(github);
    await github.repository("zeta/engine");
    const id = github.install("zeta");
    github.suspend(id);
    github.setRepositories(github.installation, []);
    github.as("dana").openIssue("acme/widgets", "Nobody hears this");
    await github.deliveries.deliverAll();
    expect(heard.map((each) => `${each.event} ${String(each.body["action"])}`)).toEqual([
      "installation created",
      "installation suspend",
      "installation_repositories removed",
    ]);
    expect(heard[0]?.body).toMatchObject({ installation: { id, account: { login: "zeta" } } });
  });
});

describe("faults and limits", () => {
  test("an answer can be replaced, and a reply can be lost after the work was done", async () => {
    const github = await open();
    const octokit = client(github);
    const number = github.as("dana").openIssue("acme/widgets", "It breaks");
    const say = () => octokit.rest.issues.createComment({ ...repo, issue_number: number, body: "hello" });
    const match = { method: "POST", path: /\/comments$/ };
    github.faults.next(match, badGateway);
    github.faults.next(match, secondaryLimit());
    github.faults.next(match, "lost-request");
    github.faults.next(match, "lost-reply");
    await refuses(say(), 502, "Server Error");
    await refuses(say(), 403, "secondary rate limit");
    await refuses(say(), 500, "ECONNRESET");
    expect(github.comments("acme/widgets", number)).toEqual([]);
    await refuses(say(), 500, "ECONNRESET");
    expect(github.comments("acme/widgets", number)).toHaveLength(1);
  });

  test("a reply is lost over a real connection too", async () => {
    const github = await open();
    const { url } = await github.listen();
    const octokit = new Octokit({ auth: github.token(), baseUrl: `${url}/api/v3`, log: silent });
    github.faults.next({ method: "POST", path: /\/issues$/ }, "lost-reply");
    expect((await refusalOf(octokit.rest.issues.create({ ...repo, title: "Once" }))).status).toBe(500);
    expect(github.issues("acme/widgets")).toHaveLength(1);
  });

  test("80 creations a minute and the hourly limit hold by the given clock", async () => {
    const github = await open({ primaryLimit: 90 });
    const octokit = client(github);
    const number = github.as("dana").openIssue("acme/widgets", "It breaks");
    const say = () => octokit.rest.issues.createComment({ ...repo, issue_number: number, body: "hello" });
    for (let n = 0; n < limits.creationsAMinute; n++) await say();
    await refuses(say(), 403, "secondary rate limit");
    pass(github, 60_001);
    for (let n = 0; n < 10; n++) await say();
    await refuses(say(), 403, "API rate limit exceeded");
    pass(github, 3_600_000);
    const later = client(github).rest.issues.createComment({ ...repo, issue_number: number, body: "hello" });
    expect((await later).headers["x-ratelimit-remaining"]).toBe("89");
  });

  test("an unknown call is written down and answered 404", async () => {
    const github = await open();
    await refuses(client(github).request("GET /nothing/here"), 404, "Not Found");
    expect(github.unknownRequests).toEqual(["GET /nothing/here"]);
    opened = opened.filter((each) => each !== github);
  });
});

test("pages show a conversation without running what strangers wrote, and take comments", async () => {
  const github = await open();
  const number = github.as("olly").openIssue("acme/widgets", "It <b>breaks</b>", "**Look** <!-- hidden -->");
  const page = `${github.publicUrl}/acme/widgets/issues/${number}`;
  const said = await github.fetch(page, {
    method: "POST",
    body: new URLSearchParams({ as: "dana", body: "from the page" }),
  });
  expect(said.status).toBe(303);
  const answer = await github.fetch(page);
  const text = await answer.text();
  expect(text).toContain("It &lt;b&gt;breaks&lt;/b&gt;");
  expect(text).toContain("<strong>Look</strong>");
  expect(text).toContain("from the page");
  expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
});

test("two ways to the same end have one snapshot, and another end has another", async () => {
  const [one, other] = [await open(), await open({ seed: 2 })];
  one.as("dana").openIssue("acme/widgets", "It breaks");
  one.as("dana").comment("acme/widgets", 1, "hello");
  other.as("dana").openIssue("acme/widgets", "It breaks");
  pass(other, 5000);
  const id = other.as("dana").comment("acme/widgets", 1, "helo");
  expect(await other.snapshot()).not.toEqual(await one.snapshot());
  other.as("dana").edit("acme/widgets", id, "hello");
  expect(await other.snapshot()).toEqual(await one.snapshot());
});
