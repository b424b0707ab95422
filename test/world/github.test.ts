/** The stand-in for GitHub, asked through GitHub's own client: tokens, rights, conversations and checks, and what GitHub refuses of them. */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import { limits } from "./github/limits.ts";
import { asApp, client, head, open, pass, refused, repo, startMs } from "./github/trial.ts";

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
    await expect(octokit.rest.issues.create({ ...repo, title: "x" })).rejects.toMatchObject(
      refused(403, "not accessible by integration"),
    );
    const blob = octokit.rest.git.createBlob({ owner: "acme", repo: "gears", content: "x" });
    await expect(blob).rejects.toMatchObject(refused(403, "not accessible by integration"));
    expect((await octokit.rest.apps.listReposAccessibleToInstallation()).data.total_count).toBe(1);
    pass(github, limits.tokenLifeMs);
    await expect(octokit.rest.repos.get(repo)).rejects.toMatchObject(refused(401, "Bad credentials"));
  });

  test("nobody gets in by a made-up token, another app's JWT, or a revoked token", async () => {
    const github = await open();
    await expect(client(github, "ghs_7001_made.up.token").rest.repos.get(repo)).rejects.toMatchObject(
      refused(401, "Bad credentials"),
    );
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const other = asApp(github, privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    await expect(other.rest.apps.getAuthenticated()).rejects.toMatchObject(refused(401, "could not be decoded"));
    for (const [claims, words] of [
      [{ exp: startMs / 1000 - 1 }, "Expiration time"],
      [{ exp: startMs / 1000 + limits.jwtLifeS + 1 }, "too far in the future"],
      [{ iss: "8" }, "Issuer"],
    ] as const) {
      const call = asApp(github, github.app.privateKey, claims).rest.apps.getAuthenticated();
      await expect(call).rejects.toMatchObject(refused(401, words));
    }
    const octokit = client(github);
    await octokit.rest.apps.revokeInstallationAccessToken();
    await expect(octokit.rest.repos.get(repo)).rejects.toMatchObject(refused(401, "Bad credentials"));
  });

  test("more than was granted, unknown repositories, suspended and removed installations are refused", async () => {
    const github = await open();
    const app = asApp(github);
    const mint = (more: object) =>
      app.rest.apps.createInstallationAccessToken({ installation_id: github.installation, ...more });
    await expect(mint({ permissions: { workflows: "write" } })).rejects.toMatchObject(refused(422, "not granted"));
    await expect(mint({ repositories: ["nothing"] })).rejects.toMatchObject(refused(422, "at least one repository"));
    github.suspend(github.installation);
    await expect(mint({})).rejects.toMatchObject(refused(403, "suspended"));
    github.unsuspend(github.installation);
    github.uninstall(github.installation);
    await expect(mint({})).rejects.toMatchObject(refused(404, "Not Found"));
  });

  test("a private repository does not exist for those who may not see it", async () => {
    const github = await open();
    await github.repository("acme/secret", { a: "a" }, { private: true });
    const octokit = client(github, github.token({ only: ["acme/widgets"] }));
    await expect(octokit.rest.repos.get({ owner: "acme", repo: "secret" })).rejects.toMatchObject(
      refused(404, "Not Found"),
    );
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
    const bot = await client(github).rest.users.getByUsername({ username: "parhelia[bot]" });
    expect(bot.data).toMatchObject({ id: github.app.botId, type: "Bot" });
    expect((await client(github).rest.users.getById({ account_id: github.app.botId })).data.login).toBe(
      "parhelia[bot]",
    );
    await expect(of("parhelia[bot]")).rejects.toMatchObject(refused(404, "not a user"));
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
    await expect(say("é".repeat(limits.bodyCharacters + 1))).rejects.toMatchObject(refused(422, "body is too long"));
    const comment_id = github.as("olly").comment("acme/widgets", number, "mine");
    await expect(octokit.rest.issues.updateComment({ ...repo, comment_id, body: "x" })).rejects.toMatchObject(
      refused(403, "Must have admin rights"),
    );
    github.as("dana").lock("acme/widgets", number);
    await expect(say("hello")).rejects.toMatchObject(refused(403, "issue is locked"));
    github.as("dana").comment("acme/widgets", number, "writers still may");
    github.as("dana").unlock("acme/widgets", number);
    github.as("olly").blockApp();
    await expect(say("hello")).rejects.toMatchObject(refused(422, "User is blocked"));
    github.as("olly").unblockApp();
    github.as("dana").deleteIssue("acme/widgets", number);
    await expect(say("hello")).rejects.toMatchObject(refused(410, "deleted"));
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
    await expect(again).rejects.toMatchObject({ status: 304 });
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
    await expect(edit({ output: { ...output, annotations: [...annotations, ...annotations] } })).rejects.toMatchObject(
      refused(422, "Invalid request"),
    );
    const list = await octokit.paginate(octokit.rest.checks.listAnnotations, { ...repo, check_run_id });
    expect(list).toHaveLength(80);
    expect(() => github.as("dana").press("acme/widgets", check_run_id, "again")).toThrow("no button");
    await edit({ conclusion: "neutral", actions });
    github.as("dana").press("acme/widgets", check_run_id, "again");
    const [run] = github.checkRuns("acme/widgets", head_sha);
    expect(run).toMatchObject({
      status: "completed",
      conclusion: "neutral",
      externalId: "t_1",
      completedAtMs: startMs,
    });
    const listed = await octokit.rest.checks.listForRef({ ...repo, ref: "main", check_name: "parhelia" });
    expect(listed.data.check_runs.map((each) => each.id)).toEqual([check_run_id]);
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
    await expect(make({ output: { title: "t", summary: tooLong } })).rejects.toMatchObject(refused(422, "summary"));
    await expect(make({ head_sha: "a".repeat(40) })).rejects.toMatchObject(refused(422, "No commit found"));
    await expect(make({ status: "completed" })).rejects.toMatchObject(refused(422, "conclusion"));
    const action = { label: "x".repeat(21), description: "d", identifier: "i" };
    await expect(make({ actions: [action] })).rejects.toMatchObject(refused(422, "label"));
    const foreign = await github.foreignCheck("acme/widgets", head_sha, "build");
    const edit = octokit.rest.checks.update({ ...repo, check_run_id: foreign, name: "mine" });
    await expect(edit).rejects.toMatchObject(refused(403, "can only be modified by the GitHub App that created it"));
    await expect(octokit.rest.checks.get({ ...repo, check_run_id: 1 })).rejects.toMatchObject(
      refused(404, "Not Found"),
    );
    const reader = client(github, github.token({ permissions: { checks: "read" } }));
    await expect(reader.rest.checks.create({ ...repo, name: "x", head_sha })).rejects.toMatchObject(
      refused(403, "not accessible"),
    );
  });
});
