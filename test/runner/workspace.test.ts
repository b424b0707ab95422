import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Timing } from "../../src/runner/timing.ts";
import { GitFailed, withoutSecrets } from "../../src/runner/git.ts";
import { agentGitConfig, helperLine, prepare, type Ground } from "../../src/runner/workspace.ts";
import { needs } from "../world/needs.ts";
import { gitIn, makeRepository, openGitHost } from "./repository.ts";

function makeGround(): Ground {
  const scratch = mkdtempSync(join(tmpdir(), "ground-"));
  onTestFinished(() => rmSync(scratch, { recursive: true }));
  const [workspace, home] = [join(scratch, "it's a workspace"), join(scratch, "home")];
  mkdirSync(workspace);
  mkdirSync(home);
  const password = `!f() { echo username=x-access-token; echo password=ghs_1_repository-token; }; f`;
  return {
    workspace,
    home,
    scratch,
    user: {},
    env: { PATH: process.env["PATH"] ?? "" },
    bridge: "http://127.0.0.1:9",
    helper: password,
  };
}

/** Each pause takes as long as it says, at once. */
function quickTime(): Timing & { passedMs: () => number } {
  let now = 0;
  const sleep = (ms: number): Promise<void> => {
    now += ms;
    return Promise.resolve();
  };
  return { now: () => now, sleep, passedMs: () => now };
}

const hasGit = needs("git");

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

test.skipIf(!hasGit)("a host that never takes the token is given up after half a minute", async () => {
  using repository = makeRepository({});
  using host = await openGitHost(repository, Infinity);
  const timing = quickTime();
  const phases: string[] = [];
  const source = { url: host.url, sha: repository.sha, ref: "refs/heads/main" };
  const all = { timing, stop: new AbortController().signal, phase: (phase: string) => void phases.push(phase) };
  const failure = await prepare(makeGround(), source, all).catch((cause: unknown) => cause);
  expect(failure).toBeInstanceOf(GitFailed);
  expect(String(failure)).toMatch(/^Error: The commit could not be fetched: .*Authentication failed/);
  expect(timing.passedMs()).toBeGreaterThanOrEqual(30_000);
  expect(timing.passedMs()).toBeLessThan(40_000);
  expect(host.refusedTimes()).toBeGreaterThan(5);
  expect(phases).toEqual(["fetch"]);
});

test.skipIf(!hasGit)("no protocol but HTTP is spoken", async () => {
  using repository = makeRepository({});
  const source = { url: `file://${repository.directory}`, sha: repository.sha, ref: "refs/heads/main" };
  const all = { timing: quickTime(), stop: new AbortController().signal, phase: () => undefined };
  await expect(prepare(makeGround(), source, all)).rejects.toThrow("transport 'file' not allowed");
});

test.skipIf(!hasGit)("the listing is the commit's", async () => {
  using repository = makeRepository({ "a.txt": "abc", "d/run": { executable: "" }, link: { link: "a.txt" } });
  using host = await openGitHost(repository, 0);
  const ground = makeGround();
  const source = { url: host.url, sha: repository.sha, ref: "refs/heads/main" };
  const all = { timing: quickTime(), stop: new AbortController().signal, phase: () => undefined };
  expect(Object.fromEntries(await prepare(ground, source, all))).toEqual({
    "a.txt": { mode: "100644", id: gitIn(repository.directory, "rev-parse", "HEAD:a.txt"), bytes: 3 },
    "d/run": { mode: "100755", id: gitIn(repository.directory, "rev-parse", "HEAD:d/run"), bytes: 0 },
    link: { mode: "120000", id: gitIn(repository.directory, "rev-parse", "HEAD:link"), bytes: 5 },
  });
  expect(gitIn(ground.workspace, "status", "--porcelain")).toBe("");
});

test.skipIf(!hasGit)("git reads the agent's settings as they are meant", () => {
  const ground = { ...makeGround(), helper: helperLine(["printf", "%s|", "it's", 'a "word"', "$HOME"]) };
  const config = join(ground.home, ".gitconfig");
  writeFileSync(config, agentGitConfig(ground, "https://github.com/acme/widgets.git"));
  const read = (name: string): string => gitIn(ground.scratch, "config", "--file", config, name);
  expect(read("safe.directory")).toBe(ground.workspace);
  const helper = read("credential.https://github.com.helper");
  expect(execFileSync("sh", ["-c", helper.slice(1)], { encoding: "utf8" })).toBe('it\'s|a "word"|$HOME|');
});

test("git's words lose what could be a credential, and all but their end", () => {
  expect(withoutSecrets("a\nb\nc\nfatal: ghs_12_abc.def-ghi and github_pat_1A_b\n")).toBe(
    "b c fatal: [removed] and [removed]",
  );
});
