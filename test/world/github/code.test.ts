/** The stand-in's commits, refs and files, asked through GitHub's own client. */
import { describe, expect, test } from "vitest";
import type { GitHubStandIn } from "./open-github.ts";
import { client, head, open, refused, repo } from "./trial.ts";

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
    await expect(create()).rejects.toMatchObject(refused(422, "Reference already exists"));
    await expect(git.updateRef({ ...ref, sha: first })).rejects.toMatchObject(refused(422, "not a fast forward"));
    await git.updateRef({ ...ref, sha: first, force: true });
    await expect(git.updateRef({ ...repo, ref: "heads/none", sha: first })).rejects.toMatchObject(
      refused(422, "does not exist"),
    );
    await expect(
      git.createTree({ ...repo, base_tree: first, tree: [{ path: "no", mode: "100644", sha: null }] }),
    ).rejects.toMatchObject(refused(422, "BadObjectState"));
    const workflow = [{ path: ".github/workflows/ci.yml", mode: "100644" as const, content: "on: push" }];
    await expect(git.createTree({ ...repo, base_tree: first, tree: workflow })).rejects.toMatchObject(
      refused(403, "not accessible by integration"),
    );
    const { data: old } = await git.getCommit({ ...repo, commit_sha: first });
    const { data } = await git.createCommit({ ...repo, message: "x", tree: old.tree.sha, parents: [second] });
    expect(data.verification.verified).toBe(false);
    await git.deleteRef(ref);
    await expect(git.getRef(ref)).rejects.toMatchObject(refused(404, "Not Found"));
    github.protect("acme/widgets", "main", { status: 409, message: "Repository rule violations found" });
    await expect(git.updateRef({ ...repo, ref: "heads/main", sha: data.sha })).rejects.toMatchObject(
      refused(409, "rule violations"),
    );
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
    await expect(repos.getContent({ ...repo, path: "docs", ref: "none" })).rejects.toMatchObject(
      refused(404, "No commit found"),
    );
    await github.as("dana").push("acme/widgets", { b: "b" }, { branch: "feat/x" });
    expect((await repos.getBranch({ ...repo, branch: "feat/x" })).data.commit.sha).toBe(await head(github, "feat/x"));
    const { data: commit } = await repos.getCommit({ ...repo, ref: "feat/x" });
    expect(commit.files).toMatchObject([{ filename: "b", status: "added", additions: 1 }]);
    expect(commit.author?.login).toBe("dana");
  });
});
