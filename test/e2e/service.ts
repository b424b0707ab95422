/**
 * A real service as a process of its own, between a stand-in for GitHub and one for the model's API that live in the
 * test's process. It can be killed and started again on what it left behind.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { createAdaptorServer } from "@hono/node-server";
import { expect, onTestFinished } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import type { TaskView } from "../../src/core/ports/forge.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { isEnded } from "../../src/core/task.ts";
import { listTasks } from "../../src/records/list-tasks.ts";
import { readView } from "../../src/records/read-view.ts";
import { findClaude } from "../../src/sandbox/local/find-claude.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { eventually } from "../world/eventually.ts";
import { openGitHub, type GitHubStandIn } from "../world/github/open-github.ts";
import type { Script } from "../world/model-script.ts";
import { openModel, type ModelWorld } from "../world/model.ts";

export const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
export const path = process.env["PATH"] ?? "";

/** The agent's own program comes as an optional package of `@anthropic-ai/claude-code`. */
export function needsClaude(): boolean {
  if (findClaude(path) !== undefined) return true;
  const cure = "Claude Code is missing: npm ci (without --omit=optional), on Linux";
  if (process.env["CI"] === "true") throw new Error(cure);
  console.warn(`skipped, ${cure}`);
  return false;
}

/** A call that GitHub has received (`before` it is carried out, or `after`) and does not answer until it is released. */
export interface Hold {
  readonly reached: Promise<void>;
  release(): void;
}

export interface HoldMatch {
  readonly method: string;
  /** Tried on the whole path, `/api/v3/repos/…` or `/acme/widgets.git/…`. */
  readonly path: RegExp;
  readonly when: "before" | "after";
}

export interface StageOptions {
  readonly script: Script;
  readonly isolation?: "bubblewrap" | "none";
  /** What an hour of a sandbox costs, in dollars. */
  readonly pricePerHour?: number;
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
  start(): Promise<void>;
  kill(): Promise<void>;
  /** As an operator stops it; the exit code. */
  stop(): Promise<number | null>;
  hold(match: HoldMatch): Hold;
  /** Says something on the issue and lets GitHub deliver it. */
  comment(body: string): Promise<void>;
  /** The newest task. Throws where there is none. */
  view(): Promise<TaskView>;
  /** The newest task once it has ended and its comment says so. */
  ended(withinMs: number): Promise<TaskView>;
  /** Stops the service and looks at what is left everywhere. */
  expectNothingLeft(): Promise<void>;
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const root = mkdtempSync(join(tmpdir(), "parhelia-e2e-"));
  const repositories = join(root, "github");
  mkdirSync(join(root, ".parhelia"));
  const secrets = { modelKey: `sk-ant-${randomBytes(20).toString("hex")}`, webhookSecret: randomBytes(20).toString("hex") };
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
  const said: string[] = [];
  const env = environment({ ...options, root, secrets: all, github, apiUrl, modelUrl: model.url });
  const storePath = join(root, ".parhelia", "orchestrator.db");
  let child: ChildProcess | undefined;

  const end = async (signal: "SIGKILL" | "SIGTERM"): Promise<number | null> => {
    if (child === undefined) return null;
    const ending = child;
    child = undefined;
    if (ending.exitCode !== null) return ending.exitCode;
    const exited = once(ending, "exit");
    ending.kill(signal);
    const [code]: unknown[] = await exited;
    return typeof code === "number" ? code : null;
  };

  let reader: Store | undefined;

  const stage: Stage = {
    github,
    apiUrl,
    model,
    root,
    issue,
    said,
    secrets: all,
    async start() {
      const started = await startService({ root, env, said });
      child = started.child;
      github.target = `http://127.0.0.1:${started.port}/webhook`;
    },
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    hold: gate.hold,
    async comment(body) {
      github.as("dana").comment("acme/widgets", issue, body);
      for (const { status } of await github.deliveries.deliverAll()) expect(status).toBe(202);
    },
    async view() {
      reader ??= openSqliteStore({ path: storePath, pollMs: 0 });
      const now = Instant.parse(Date.now());
      const [task] = await listTasks(reader, now, { which: "all", limit: 1 });
      if (task === undefined) throw new Error("There is no task.");
      return readView(reader, now, task);
    },
    async ended(withinMs) {
      const view = await eventually(
        async () => {
          const seen = await stage.view();
          return isEnded(seen.task) ? seen : undefined;
        },
        { withinMs },
      );
      await eventually(() => isTold(stage, view), { withinMs: 10_000 });
      return view;
    },
    async expectNothingLeft() {
      expect(await stage.stop(), "the exit code of the service").toBe(0);
      expect(livingProcesses(root), "processes").toEqual([]);
      expectSettled(storePath);
      expectSound(repositories);
      expect(github.unknownRequests).toEqual([]);
      const secretInLog = Object.entries(all).filter(([, text]) => said.join("\n").includes(text.trim().slice(0, 200)));
      expect(secretInLog.map(([name]) => name), "secrets in the log").toEqual([]);
    },
  };
  onTestFinished(async () => {
    gate.releaseAll();
    await end("SIGKILL");
    await reader?.close();
    for (const pid of livingProcesses(root)) killIfThere(Number(pid.split(" ")[0]));
    await github.close();
    await gate.close();
    await model.close();
    rmSync(root, { recursive: true, force: true });
  });
  return stage;
}

function environment(of: StageOptions & {
  root: string;
  secrets: Secrets;
  github: GitHubStandIn;
  apiUrl: string;
  modelUrl: string;
}): Record<string, string> {
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
    PARHELIA_AGENT_MODEL: "haiku",
    PARHELIA_AGENT_API_URL: of.modelUrl,
  };
}

async function startService(of: { root: string; env: Record<string, string>; said: string[] }) {
  const child = spawn(process.execPath, [cli, "serve"], {
    cwd: of.root,
    env: of.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => of.said.push(text));
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise<number>((resolve, reject) => {
    lines.on("line", (line) => {
      of.said.push(line);
      const { msg, port } = asRecord(line);
      if (msg === "listening" && typeof port === "number") resolve(port);
    });
    child.once("exit", (code) => reject(new Error(`The service ended with ${code}:\n${of.said.slice(-20).join("\n")}`)));
  });
  return { child, port };
}

export function asRecord(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // What a crash says is no JSON.
    return {};
  }
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

/** `pid command` of all that run for this root: services, sandboxes and whatever is in them. */
export function livingProcesses(root: string): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((pid) => {
      const command = readProc(pid, "cmdline");
      const ours = command.includes(root) || readProc(pid, "environ").includes(root);
      return ours ? [`${pid} ${command.replaceAll("\0", " ")}`] : [];
    });
}

function readProc(pid: string, file: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // It is gone by now.
    return "";
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone by now.
  }
}

/** No slot, no lease and no money is held, and what was drawn was settled once. */
function expectSettled(storePath: string): void {
  const db = new DatabaseSync(storePath, { readOnly: true });
  const rows = (sql: string): string[] => db.prepare(sql).all().map((row) => String(Object.values(row)[0]));
  expect(rows("SELECT value FROM counter WHERE name = 'running'"), "held slots").toEqual([]);
  expect(rows(`SELECT name FROM lease WHERE until > ${Date.now()}`), "held leases").toEqual([]);
  expect(rows("SELECT key FROM document WHERE key LIKE 'slice/%'"), "held money").toEqual([]);
  const ledger = rows("SELECT value FROM log WHERE log LIKE 'ledger/%'").map(asRecord);
  const ids = (kind: string): string[] =>
    ledger.flatMap((entry) => (entry["do"] === kind ? [String(entry["id"])] : [])).toSorted();
  expect(ids("draw").length).toBeGreaterThan(0);
  expect(ids("settle"), "each slice is settled once").toEqual(ids("draw"));
  expect(new Set(ids("draw")).size).toBe(ids("draw").length);
  db.close();
}

function expectSound(repositories: string): void {
  for (const name of readdirSync(repositories)) {
    const checked = spawnSync("git", ["fsck", "--strict", "--no-progress"], { cwd: join(repositories, name) });
    expect(checked.status, checked.stderr.toString()).toBe(0);
  }
}

type Answer = (request: Request) => Promise<Response>;

/** GitHub's door, in which calls can be held. It has its port before GitHub is there, whose addresses name it. */
async function openGate() {
  const waiting = new Set<HoldMatch & { reach: () => void; released: Promise<void> }>();
  const releases = new Set<() => void>();
  let serve: Answer = async () => new Response(null, { status: 503 });
  const server = createAdaptorServer({
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const held = [...waiting].find((each) => each.method === request.method && each.path.test(pathname));
      if (held === undefined) return serve(request);
      waiting.delete(held);
      if (held.when === "after") {
        const answer = await serve(request);
        held.reach();
        await held.released;
        return answer;
      }
      held.reach();
      await held.released;
      return serve(request);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return {
    port: address.port,
    serve: (answer: Answer) => {
      serve = answer;
    },
    hold(match: HoldMatch): Hold {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      waiting.add({ ...match, reach: reached.resolve, released: released.promise });
      releases.add(released.resolve);
      return { reached: reached.promise, release: released.resolve };
    },
    releaseAll: () => {
      for (const release of releases) release();
    },
    async close() {
      if ("closeAllConnections" in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
