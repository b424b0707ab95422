/** The real agent, behind the real model routes, in front of a stand-in for the model's API. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve, type ServerType } from "@hono/node-server";
import { expect, onTestFinished, test } from "vitest";
import { AttemptId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import { microUsd, usd, type MicroUsd } from "../../src/core/money.ts";
import { modelRoutes } from "../../src/gateway/model/model-routes.ts";
import { fixFile, never, status, type Script } from "../world/model-script.ts";
import { openModel } from "../world/model.ts";
import { needs } from "../world/needs.ts";
import { openPurse } from "../world/purse.ts";

const claude = join(import.meta.dirname, `../../node_modules/@anthropic-ai/claude-code-linux-${process.arch}/claude`);

/** The agent's own program comes as an optional package of `@anthropic-ai/claude-code`. */
function agentIsThere(): boolean {
  if (existsSync(claude)) return true;
  const cure = "Claude Code is missing: npm ci (without --omit=optional), on Linux";
  if (process.env["CI"] === "true") throw new Error(cure);
  console.warn(`skipped, ${cure}`);
  return false;
}
const ready = agentIsThere() && needs("git");

const key = "sk-ant-the-one-key-of-the-service";
const attempt = AttemptId.parse("t_00000001-1");
const models = ["claude-opus-5-5", "claude-haiku-5-5", "claude-sonnet-5-5", "claude-haiku-4-5"];

async function stage(script: Script, ceiling: MicroUsd) {
  const directory = await mkdtemp(join(tmpdir(), "parhelia-claude-"));
  const workspace = join(directory, "workspace");
  await mkdir(workspace);
  await writeFile(join(workspace, "list.ts"), "export const first = (list: string[]) => list[1];\n");
  for (const args of [
    ["init", "-q"],
    ["add", "-A"],
    ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "base"],
  ]) {
    spawnSync("git", args, { cwd: workspace });
  }
  const model = await openModel({ script, apiKey: key });
  const purse = openPurse(ceiling);
  const lines: string[] = [];
  const note = (line: object, message: string): void => void lines.push(JSON.stringify({ message, ...line }));
  let made = 0;
  const app = modelRoutes({
    verify: (token) => (token === "attempt-token" ? attempt : undefined),
    purse,
    upstream: { baseUrl: model.url, apiKey: key, fetch },
    allow: { models },
    log: { info: note, warn: note, error: note },
    now: () => Instant.parse(0),
    unique: () => `${(made += 1)}`,
  });
  const gateway = await new Promise<{ server: ServerType; url: string }>((listening) => {
    const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, (at) =>
      listening({ server, url: `http://127.0.0.1:${at.port}` }),
    );
  });
  onTestFinished(async () => {
    if ("closeAllConnections" in gateway.server) gateway.server.closeAllConnections();
    gateway.server.close();
    await model.close();
    await rm(directory, { recursive: true, force: true });
  });
  return { directory, workspace, model, purse, lines, url: gateway.url };
}

type Stage = Awaited<ReturnType<typeof stage>>;

function startAgent(on: Stage, args: readonly string[]) {
  const flags = "-p --output-format stream-json --verbose --setting-sources user --strict-mcp-config";
  const child = spawn(claude, [...flags.split(" "), "--dangerously-skip-permissions", ...args, "--", "fix list.ts"], {
    cwd: on.workspace,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: on.directory,
      IS_SANDBOX: "1",
      ANTHROPIC_BASE_URL: on.url,
      ANTHROPIC_AUTH_TOKEN: "attempt-token",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      DISABLE_TELEMETRY: "1",
      DISABLE_AUTOUPDATER: "1",
    },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const out: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  const ended = new Promise<{ code: number | null; output: string }>((end) => {
    child.once("close", (code) => end({ code, output: Buffer.concat(out).toString("utf8") }));
  });
  return { child, ended };
}

/** Runs the agent to its end; `result` is its closing line. */
async function runAgent(on: Stage, args: readonly string[]) {
  const { code, output } = await startAgent(on, args).ended;
  const parsed: unknown = JSON.parse(output.trimEnd().split("\n").at(-1) ?? "");
  return { code, output, result: Object.fromEntries(Object.entries(parsed ?? {})) };
}

const fix = fixFile({
  path: "list.ts",
  from: "list[1]",
  to: "list[0]",
  summary: "The first item is at 0.",
  run: "git diff --stat",
});

test.skipIf(!ready).each([
  { model: "opus", calls: 4 },
  { model: "haiku", calls: 4 },
  { model: "claude-haiku-4-5", calls: 4 },
])(
  "the agent ($model) reads, edits, runs and ends, and the charges equal the bill",
  { timeout: 60_000 },
  async (with_) => {
    const on = await stage(fix, usd(50));
    const { code, output, result } = await runAgent(on, ["--model", with_.model]);

    expect(result).toMatchObject({ is_error: false, result: "The first item is at 0." });
    expect(code).toBe(0);
    expect(await readFile(join(on.workspace, "list.ts"), "utf8")).toContain("list[0]");
    expect(on.model.calls.length).toBe(with_.calls);
    expect(on.model.bill()).toBeGreaterThan(0);
    expect(on.purse.charged()).toBe(on.model.bill());
    expect(on.purse.charges()).toEqual(on.model.calls.map((call) => call.cost));
    expect(on.purse.held()).toBe(0);
    expect(output + on.lines.join("\n")).not.toContain(key);
  },
);

test.skipIf(!ready)(
  "the ceiling ends the agent at once, with our sentence as its last word",
  { timeout: 60_000 },
  async () => {
    const on = await stage(fix, microUsd(1000));
    const { code, result } = await runAgent(on, ["--model", "opus"]);

    expect(code).toBe(1);
    expect(result).toMatchObject({ is_error: true, api_error_status: 402 });
    expect(String(result["result"])).toContain("$0.0010 is left, and even a small answer");
    expect(on.model.calls).toEqual([]);
    expect(on.purse.charged()).toBe(0);
  },
);

test.skipIf(!ready)("a smaller answer is bought where the whole one is too dear", { timeout: 60_000 }, async () => {
  const on = await stage(fix, usd(1));
  const { code } = await runAgent(on, ["--model", "opus"]);

  expect(code).toBe(0);
  expect(on.model.calls[0]?.body.maxTokens).toBeLessThan(64_000);
  expect(on.purse.peak()).toBeLessThanOrEqual(usd(1));
  expect(on.purse.charged()).toBe(on.model.bill());
});

test.skipIf(!ready)(
  "when the service's own key is refused, the agent ends and the budget is not blamed",
  { timeout: 60_000 },
  async () => {
    const on = await stage(status(401), usd(50));
    const { code, result } = await runAgent(on, ["--model", "opus"]);

    expect(code).toBe(1);
    expect(result).toMatchObject({ api_error_status: 503 });
    expect(on.model.calls.length).toBe(1);
    expect(on.purse.charged()).toBe(0);
  },
);

test.skipIf(!ready)(
  "an agent that is killed while the model is silent leaves its worst case held",
  { timeout: 60_000 },
  async () => {
    const on = await stage(never(), usd(50));
    const { child, ended } = startAgent(on, ["--model", "opus"]);
    await expect.poll(() => on.model.calls.length, { timeout: 30_000 }).toBe(1);
    child.kill("SIGKILL");
    await ended;

    expect(on.purse.charges()).toEqual([]);
    expect(on.purse.held()).toBeGreaterThan(0);
  },
);
