/**
 * A real service as a process of its own, between a stand-in for GitHub and one for the model's API that live in the
 * test's process. It can be killed and started again on what it left behind.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { TaskView } from "../../src/core/ports/forge.ts";
import { isEnded } from "../../src/core/task.ts";
import { findClaude } from "../../src/sandbox/local/find-claude.ts";
import { eventually } from "../world/eventually.ts";
import { openGitHub, type GitHubStandIn } from "../world/github/open-github.ts";
import type { Script } from "../world/model-script.ts";
import { openModel, type ModelWorld } from "../world/model.ts";
import { openChild, path } from "./child.ts";
import { openGate, type Hold, type HoldMatch } from "./gate.ts";
import { expectSettled, expectSound, killIfThere, livingProcesses } from "./leftovers.ts";
import { openReader, type NumberedEvent } from "./reader.ts";

/** The agent's own program comes as an optional package of `@anthropic-ai/claude-code`. */
export function needsClaude(): boolean {
  if (findClaude(path) !== undefined) return true;
  const cure = "Claude Code is missing: npm ci (without --omit=optional), on Linux";
  if (process.env["CI"] === "true") throw new Error(cure);
  console.warn(`skipped, ${cure}`);
  return false;
}

export interface StageOptions {
  readonly script: Script;
  readonly isolation?: "bubblewrap" | "none";
  /** What an hour of a sandbox costs, in dollars. */
  readonly pricePerHour?: number;
  /** How often the service compares what it believes with what is there: `5s`; every minute unless told. */
  readonly pollInterval?: string;
}

export interface Secrets {
  readonly modelKey: string;
  readonly webhookSecret: string;
  /** PEM. */
  readonly privateKey: string;
}

export interface Stage {
  readonly github: GitHubStandIn;
  /** GitHub's API, for callers outside of sandboxes. */
  readonly apiUrl: string;
  readonly model: ModelWorld;
  readonly root: string;
  readonly secrets: Secrets;
  /** An issue in `acme/widgets`. */
  readonly issue: number;
  /** All that the services have said on stdout and stderr. */
  readonly said: readonly string[];
  /** Starts the service, on whatever an earlier one has left, and resolves when it listens. */
  start(nodeArgs?: readonly string[]): Promise<void>;
  /** Resolves when the service that runs now has ended by itself. */
  exited(): Promise<void>;
  kill(): Promise<void>;
  /** As an operator stops it; the exit code. */
  stop(): Promise<number | null>;
  hold(match: HoldMatch): Hold;
  /** Says something on the issue and lets GitHub deliver it. */
  comment(body: string): Promise<void>;
  /** All events of the newest task, oldest first. */
  events(): Promise<NumberedEvent[]>;
  /** The newest task. Throws where there is none. */
  view(): Promise<TaskView>;
  /** The newest task once it has ended and its comment says so. */
  ended(withinMs: number): Promise<TaskView>;
  /** Stops the service and looks at what is left everywhere. */
  expectNothingLeft(): Promise<void>;
}

/** `onTestFinished` is the test's own, so that several can run at once; what a test leaves alive ends there. */
export async function openStage(
  onTestFinished: (close: () => Promise<void>) => void,
  options: StageOptions,
): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), "parhelia-e2e-"));
  const repositories = join(root, "github");
  mkdirSync(join(root, ".parhelia"));
  const secrets = {
    modelKey: `sk-ant-${randomBytes(20).toString("hex")}`,
    webhookSecret: randomBytes(20).toString("hex"),
  };
  const gate = await openGate();
  const github = await openGitHub({
    directory: repositories,
    now: Date.now,
    webhookSecret: secrets.webhookSecret,
    // The name that a sandbox's way out takes for this machine, as GitHub's address alone may be on it.
    publicUrl: `http://github.localhost:${gate.port}`,
  });
  gate.serve(github.fetch);
  const model = await openModel({ script: options.script, apiKey: secrets.modelKey });
  const issue = github.as("dana").openIssue("acme/widgets", "The sum is wrong", "One and one should be two.");
  const apiUrl = `http://127.0.0.1:${gate.port}/api/v3`;
  const all: Secrets = { ...secrets, privateKey: github.app.privateKey };
  const env = environment({ ...options, root, secrets: all, github, apiUrl, modelUrl: model.url });
  const child = openChild(root, env);
  const storePath = join(root, ".parhelia", "orchestrator.db");
  const reader = openReader(storePath);

  const stage: Stage = {
    github,
    apiUrl,
    model,
    root,
    issue,
    said: child.said,
    secrets: all,
    async start(nodeArgs) {
      github.target = `http://127.0.0.1:${await child.start(nodeArgs)}/webhook`;
    },
    exited: child.exited,
    kill: async () => void (await child.end("SIGKILL")),
    stop: () => child.end("SIGTERM"),
    hold: gate.hold,
    async comment(body) {
      github.as("dana").comment("acme/widgets", issue, body);
      for (const { status } of await github.deliveries.deliverAll()) expect(status).toBe(202);
    },
    events: () => reader.events(),
    view: () => reader.view(),
    async ended(withinMs) {
      const view = await eventually(
        async () => {
          const seen = await reader.view();
          return isEnded(seen.task) ? seen : undefined;
        },
        { withinMs },
      );
      await eventually(async () => isTold(stage, view) && (await reader.nothingIsDue()), { withinMs });
      return reader.view();
    },
    async expectNothingLeft() {
      expect(await stage.stop(), "the exit code of the service").toBe(0);
      expect(livingProcesses(root, ...(await reader.tasks())), "processes").toEqual([]);
      expectSettled(storePath);
      expectSound(repositories);
      expect(github.unknownRequests).toEqual([]);
      expectSilence(child.said, all);
    },
  };
  onTestFinished(async () => {
    gate.releaseAll();
    await child.end("SIGKILL");
    await reader.close();
    for (const pid of livingProcesses(root)) killIfThere(Number(pid.split(" ")[0]));
    await github.close();
    await gate.close();
    await model.close();
    rmSync(root, { recursive: true, force: true });
  });
  return stage;
}

/** All that a service is started with; `of.root` is the folder that it is started in. */
export function environment(
  of: Omit<StageOptions, "script"> & {
    root: string;
    secrets: Secrets;
    github: GitHubStandIn;
    apiUrl: string;
    modelUrl: string;
  },
): Record<string, string> {
  return {
    PATH: path,
    HOME: of.root,
    ANTHROPIC_API_KEY: of.secrets.modelKey,
    PARHELIA_GITHUB_PRIVATE_KEY: of.secrets.privateKey,
    PARHELIA_GITHUB_WEBHOOK_SECRET: of.secrets.webhookSecret,
    PARHELIA_GITHUB_APP_ID: String(of.github.app.id),
    PARHELIA_GITHUB_INSTALLATIONS: String(of.github.installation),
    PARHELIA_GITHUB_WEB_URL: of.github.publicUrl,
    // The system's resolver need not know names below .localhost.
    PARHELIA_GITHUB_API_URL: of.apiUrl,
    PARHELIA_SERVER_PORT: "0",
    PARHELIA_SANDBOX_ISOLATION: of.isolation ?? "bubblewrap",
    PARHELIA_SANDBOX_CPU: "1",
    PARHELIA_SANDBOX_MEMORY: "2GiB",
    PARHELIA_SANDBOX_PRICE_PER_HOUR: String(of.pricePerHour ?? 0),
    PARHELIA_ENGINE_POLL_INTERVAL: of.pollInterval ?? "60s",
    PARHELIA_AGENT_MODEL: "haiku",
    PARHELIA_AGENT_API_URL: of.modelUrl,
  };
}

/** The log holds no secret; of a key on many lines, not one of them. */
export function expectSilence(said: readonly string[], secrets: Secrets): void {
  const log = said.join("\n");
  const words = Object.values(secrets).map((text: string) => text.split("\n")[text.includes("\n") ? 5 : 0] ?? "");
  expect(words.filter((word) => word === "" || log.includes(word))).toEqual([]);
}

/** The comment has its last form: the mark of the end, and no way to stop what has ended. */
function isTold({ github, issue }: Stage, { task }: TaskView): boolean {
  const marker = `<!-- parhelia task ${task.id} -->`;
  const comments = github.comments("acme/widgets", issue).filter(({ body }) => body.startsWith(marker));
  const sha = "published" in task ? task.published?.sha : undefined;
  const checks = sha === undefined ? [] : github.checkRuns("acme/widgets", sha);
  const shown = comments.length > 0 && comments.every(({ body }) => !body.includes("parhelia cancel"));
  return shown && (sha === undefined || checks.some(({ status }) => status === "completed"));
}
