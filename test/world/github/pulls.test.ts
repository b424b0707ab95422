/** The stand-in's pull requests and its git door, asked through GitHub's own client and through git. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { needs } from "../needs.ts";
import { gitEnvironment, tryGit } from "./git.ts";
import { limits } from "./limits.ts";
import { client, head, open, pass, refused, repo } from "./trial.ts";

describe("pull requests", () => {
  test("one is made between branches that differ, and only once", async () => {
    const github = await open();
    const { pulls } = client(github).rest;
    const make = (from: string) => pulls.create({ ...repo, title: "Fix", head: from, base: "main" });
    await expect(make("work")).rejects.toMatchObject(refused(422, '"field":"head"'));
    await client(github).rest.git.createRef({ ...repo, ref: "refs/heads/work", sha: await head(github) });
    await expect(make("work")).rejects.toMatchObject(refused(422, "No commits between main and work"));
    await github.as("dana").push("acme/widgets", { a: "a" }, { branch: "work" });
    const { data } = await make("work");
    const { repos } = client(github).rest;
    const of = await repos.listPullRequestsAssociatedWithCommit({ ...repo, commit_sha: data.head.sha });
    expect(of.data.map((each) => each.number)).toEqual([data.number]);
    await expect(make("work")).rejects.toMatchObject(refused(422, "A pull request already exists for acme:work"));
    expect((await pulls.list({ ...repo, head: "acme:work" })).data.map((each) => each.number)).toEqual([data.number]);
    await expect(pulls.create({ ...repo, title: "x", head: "work", base: "none" })).rejects.toMatchObject(
      refused(422, '"field":"base"'),
    );
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
    await expect(blob).rejects.toMatchObject(refused(403, "not accessible"));
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
