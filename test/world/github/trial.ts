/** What the stand-in's own tests share: a stand-in of their own with a clock, and GitHub's client on it. */
import { sign } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Octokit } from "@octokit/rest";
import { expect, onTestFinished } from "vitest";
import { openGitHub, type GitHubOptions, type GitHubStandIn } from "./open-github.ts";

export const webhookSecret = "it is a secret to everybody";
export const repo = { owner: "acme", repo: "widgets" };
export const startMs = Date.parse("2026-11-25T08:00:00Z");

const clocks = new WeakMap<GitHubStandIn, { nowMs: number }>();

export function pass(github: GitHubStandIn, ms: number): void {
  const clock = clocks.get(github);
  if (clock === undefined) throw new Error("this stand-in's clock is not ours");
  clock.nowMs += ms;
}

/** Gone when the test is. */
export async function make(options: Partial<GitHubOptions> = {}): Promise<GitHubStandIn> {
  const directory = await mkdtemp(join(tmpdir(), "github-stand-in-"));
  const clock = { nowMs: startMs };
  const github = await openGitHub({ directory, now: () => clock.nowMs, webhookSecret, ...options });
  clocks.set(github, clock);
  onTestFinished(async () => {
    await github.close();
    await rm(directory, { recursive: true, force: true });
  });
  return github;
}

/** The test fails where it leaves a call that the stand-in does not know, or a fault that never came to pass. */
export async function open(options: Partial<GitHubOptions> = {}): Promise<GitHubStandIn> {
  const github = await make(options);
  onTestFinished(() => {
    const left = { unknown: github.unknownRequests, unusedFaults: github.faults.unused() };
    if (left.unknown.length + left.unusedFaults.length > 0) throw new Error(`left over: ${JSON.stringify(left)}`);
  });
  return github;
}

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export const client = (github: GitHubStandIn, auth: string = github.token()): Octokit =>
  new Octokit({ auth, baseUrl: github.apiUrl, request: { fetch: github.fetch }, log: silent });

/** GitHub's client with a JWT signed by the given key (PEM), the app's own unless told. */
export function asApp(github: GitHubStandIn, privateKey: string = github.app.privateKey, claims: object = {}): Octokit {
  const iat = startMs / 1000 - 30;
  const all = { iat, exp: iat + 500, iss: String(github.app.id), ...claims };
  const signed = [{ alg: "RS256", typ: "JWT" }, all].map((each) =>
    Buffer.from(JSON.stringify(each)).toString("base64url"),
  );
  const signature = sign("RSA-SHA256", Buffer.from(signed.join(".")), privateKey).toString("base64url");
  return client(github, `${signed.join(".")}.${signature}`);
}

/** For `rejects.toMatchObject`: GitHub's status, and some of its words. */
export const refused = (status: number, words: string) => ({ status, message: expect.stringContaining(words) });

export const head = async (github: GitHubStandIn, branch = "main"): Promise<string> =>
  (await github.branch("acme/widgets", branch)) ?? "";
