/** What `parhelia doctor` finds of the App, each thing wrong once and right again after what it tells to do. */
import { readFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Instant, minuteMs } from "../../src/core/instant.ts";
import { neededEvents, neededPermissions } from "../../src/github/app-needs.ts";
import { lookAtApp, type LookOptions } from "../../src/github/look-at-app.ts";
import type { GitHubStandIn } from "../world/github/open-github.ts";
import { open, silent, startMs } from "../world/github/trial.ts";

const url = "https://parhelia.example.org/webhook";

const optionsFor = (github: GitHubStandIn, changes: Partial<LookOptions> = {}): LookOptions => ({
  app: { id: github.app.id, privateKey: github.app.privateKey },
  apiUrl: github.apiUrl,
  fetch: async (input, init) => {
    const answer = await github.fetch(input, init);
    const headers = new Headers(answer.headers);
    headers.set("date", new Date(startMs).toUTCString());
    return new Response(answer.body, { status: answer.status, headers });
  },
  clock: { now: () => Instant.parse(startMs) },
  log: silent,
  installations: [github.installation],
  webhookUrl: url,
  ...changes,
});

const found = async (github: GitHubStandIn, changes?: Partial<LookOptions>) => {
  const checks = await lookAtApp(optionsFor(github, changes));
  return new Map(checks.map((check) => [check.name, check]));
};

/** A delivery, answered with this. */
async function deliver(github: GitHubStandIn, status: number): Promise<void> {
  github.target = async () => new Response(null, { status });
  github.ping();
  await github.deliveries.deliverAll();
}

test("what app.yml asks for is what is looked for", () => {
  const Manifest = z.object({
    default_permissions: z.record(z.string(), z.string()),
    default_events: z.array(z.string()),
  });
  const path = join(import.meta.dirname, "../../app.yml");
  const manifest = Manifest.parse(parse(readFileSync(path, "utf8")));
  expect(manifest.default_permissions).toEqual(neededPermissions);
  expect(manifest.default_events).toEqual([...neededEvents]);
});

test("an App as it should be is well", async () => {
  const github = await open();
  await deliver(github, 202);
  const seen = await found(github);
  expect([...seen.values()].filter(({ outcome }) => outcome !== "ok")).toEqual([]);
  expect([...seen.keys()]).toEqual([
    "app",
    "clock",
    "permissions",
    "events",
    "webhook",
    "deliveries",
    `installation ${github.installation}`,
  ]);
});

describe("what is wrong is told with its cure", () => {
  test("a key of another app, and a GitHub that gives no answer, hide the rest", async () => {
    const github = await open();
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const wrong = await lookAtApp(optionsFor(github, { app: { id: github.app.id, privateKey: pem } }));
    expect(wrong).toMatchObject([
      { name: "app", outcome: "failed", cure: expect.stringContaining("new private key") },
      { name: "clock", outcome: "ok" },
    ]);
    const fetch = () => Promise.reject(new TypeError("fetch failed"));
    const away = await lookAtApp(optionsFor(github, { fetch }));
    expect(away).toMatchObject([{ name: "app", outcome: "failed", found: "GitHub gives no answer" }]);
  });

  test("a clock that is off", async () => {
    const github = await open();
    const ahead = await found(github, { clock: { now: () => Instant.parse(startMs + 3 * minuteMs) } });
    expect(ahead.get("clock")).toMatchObject({ outcome: "failed", found: "it is 180 s ahead of GitHub's" });
  });

  test("permissions and events that are missing, and those that are too much", async () => {
    const few = await open({ app: { permissions: { metadata: "read", contents: "read" }, events: ["issues"] } });
    const seen = await found(few);
    expect(seen.get("permissions")).toMatchObject({
      outcome: "failed",
      found: "missing: contents: write, issues: write, pull_requests: write, checks: write, actions: read",
    });
    expect(seen.get("events")).toMatchObject({
      outcome: "failed",
      found: expect.stringContaining("issue_comment, pull_request"),
    });
    const permissions = {
      ...neededPermissions,
      actions: "write",
      administration: "write",
      workflows: "write",
    } as const;
    const many = await found(await open({ app: { permissions, events: neededEvents } }));
    expect(many.get("permissions")).toMatchObject({
      outcome: "warning",
      found: "more than is needed: administration, actions: write",
    });
  });

  test("a webhook that leads elsewhere", async () => {
    const github = await open();
    github.setWebhookUrl("https://old.example.org/webhook");
    expect((await found(github)).get("webhook")).toMatchObject({
      outcome: "failed",
      found: "GitHub delivers to https://old.example.org/webhook",
      cure: `On the App's page, set the webhook URL to ${url}.`,
    });
    github.setWebhookUrl(url);
    expect((await found(github)).get("webhook")).toMatchObject({ outcome: "ok" });
    github.setWebhookUrl("https://parhelia.example.org/");
    expect((await found(github, { webhookUrl: undefined })).get("webhook")).toMatchObject({ outcome: "failed" });
  });

  test("deliveries that do not come through, by why", async () => {
    const github = await open();
    expect((await found(github)).get("deliveries")).toMatchObject({ outcome: "warning" });
    await deliver(github, 401);
    expect((await found(github)).get("deliveries")).toMatchObject({
      outcome: "failed",
      cure: expect.stringContaining("PARHELIA_GITHUB_WEBHOOK_SECRET"),
    });
    await deliver(github, 503);
    expect((await found(github)).get("deliveries")).toMatchObject({
      outcome: "failed",
      cure: expect.stringContaining("reached from outside"),
    });
    await deliver(github, 202);
    expect((await found(github)).get("deliveries")).toMatchObject({
      outcome: "warning",
      found: "1 of the last 3 came through",
    });
  });

  test("installations that are suspended, gone, or lack what was added since", async () => {
    const github = await open();
    const of = async () => [...(await found(github)).values()].at(-1);
    github.suspend(github.installation);
    expect(await of()).toMatchObject({ outcome: "failed", found: expect.stringContaining("suspended since") });
    github.unsuspend(github.installation);
    github.setPermissions(github.installation, { metadata: "read", contents: "write", issues: "write" });
    expect(await of()).toMatchObject({
      outcome: "failed",
      found: "missing: pull_requests: write, checks: write, actions: read",
    });
    github.uninstall(github.installation);
    expect(await of()).toMatchObject({ outcome: "failed", found: "GitHub knows none of this number" });
    expect((await found(github, { installations: [] })).get("installations")).toMatchObject({ outcome: "failed" });
  });
});
