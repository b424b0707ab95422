/** The stand-in's webhook deliveries, faults, rate limits and pages. */
import { Octokit } from "@octokit/rest";
import { verify } from "@octokit/webhooks-methods";
import { describe, expect, test } from "vitest";
import { badGateway, secondaryLimit } from "./faults.ts";
import { limits } from "./limits.ts";
import type { GitHubStandIn } from "./open-github.ts";
import { asApp, client, head, make, open, pass, refused, repo, silent, webhookSecret } from "./trial.ts";

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
    github.as("dana").openIssue("zeta/engine", "Suspended apps hear nothing");
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
    await expect(say()).rejects.toMatchObject(refused(502, "Server Error"));
    await expect(say()).rejects.toMatchObject(refused(403, "secondary rate limit"));
    await expect(say()).rejects.toMatchObject(refused(500, "ECONNRESET"));
    expect(github.comments("acme/widgets", number)).toEqual([]);
    await expect(say()).rejects.toMatchObject(refused(500, "ECONNRESET"));
    expect(github.comments("acme/widgets", number)).toHaveLength(1);
  });

  test("a reply is lost over a real connection too", async () => {
    const github = await open();
    const { url } = await github.listen();
    const octokit = new Octokit({ auth: github.token(), baseUrl: `${url}/api/v3`, log: silent });
    github.faults.next({ method: "POST", path: /\/issues$/ }, "lost-reply");
    await expect(octokit.rest.issues.create({ ...repo, title: "Once" })).rejects.toMatchObject({ status: 500 });
    expect(github.issues("acme/widgets")).toHaveLength(1);
  });

  test("80 creations a minute and the hourly limit hold by the given clock", async () => {
    const github = await open({ primaryLimit: 90 });
    const octokit = client(github);
    const number = github.as("dana").openIssue("acme/widgets", "It breaks");
    const say = () => octokit.rest.issues.createComment({ ...repo, issue_number: number, body: "hello" });
    for (let n = 0; n < limits.creationsAMinute; n++) await say();
    await expect(say()).rejects.toMatchObject(refused(403, "secondary rate limit"));
    pass(github, 60_001);
    for (let n = 0; n < 10; n++) await say();
    await expect(say()).rejects.toMatchObject(refused(403, "API rate limit exceeded"));
    pass(github, 3_600_000);
    const later = client(github).rest.issues.createComment({ ...repo, issue_number: number, body: "hello" });
    expect((await later).headers["x-ratelimit-remaining"]).toBe("89");
  });

  test("an unknown call is written down and answered 404", async () => {
    const github = await make();
    await expect(client(github).request("GET /nothing/here")).rejects.toMatchObject(refused(404, "Not Found"));
    expect(github.unknownRequests).toEqual(["GET /nothing/here"]);
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

test("a finished workflow run is announced and can be looked into", async () => {
  const github = await open();
  const sha = await head(github);
  const failure = "failure";
  const steps = [{ name: "Publish image", conclusion: failure }];
  const job = { name: "build", conclusion: failure, steps, log: "npm error 404" };
  const run = { file: "ci.yml", name: "CI", event: "schedule", sha, conclusion: failure, jobs: [job] };
  const run_id = github.workflowRun("acme/widgets", run);
  expect(github.deliveries.pending()).toMatchObject([{ event: "workflow_run", action: "completed" }]);
  const { actions } = client(github).rest;
  const { data } = await actions.listJobsForWorkflowRun({ ...repo, run_id });
  expect(data.jobs).toMatchObject([{ name: "build", steps: [{ name: "Publish image", conclusion: "failure" }] }]);
  const log = await actions.downloadJobLogsForWorkflowRun({ ...repo, job_id: data.jobs[0]?.id ?? 0 });
  expect(log.status).toBe(302);
  const address = String(log.headers.location);
  expect(await (await github.fetch(address)).text()).toBe("npm error 404");
  pass(github, 60_000);
  expect((await github.fetch(address)).status).toBe(404);
  const runs = await actions.listWorkflowRuns({ ...repo, workflow_id: "ci.yml", status: "success" });
  expect(runs.data.total_count).toBe(0);
});

test("a manifest comes back as a code that is good once", async () => {
  const github = await open();
  const manifest = JSON.stringify({ redirect_url: "http://parhelia.test/setup?x=1" });
  const body = new URLSearchParams({ manifest });
  const agreed = await github.fetch(`${github.publicUrl}/settings/apps/new?state=s1`, { method: "POST", body });
  const back = new URL(agreed.headers.get("location") ?? "");
  expect([back.pathname, back.searchParams.get("state")]).toEqual(["/setup", "s1"]);
  const code = back.searchParams.get("code") ?? "";
  // The same API at the root of a host of its own, as on github.com.
  const octokit = new Octokit({
    baseUrl: "http://api.github.localhost",
    request: { fetch: github.fetch },
    log: silent,
  });
  const { data } = await octokit.rest.apps.createFromManifest({ code });
  expect(data).toMatchObject({ id: github.app.id, pem: github.app.privateKey, webhook_secret: webhookSecret });
  await expect(octokit.rest.apps.createFromManifest({ code })).rejects.toMatchObject({ status: 404 });
});
