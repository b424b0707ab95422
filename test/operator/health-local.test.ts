/** What `parhelia health` finds on this machine: each thing false once, and true again after what it tells to do. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { healthJson } from "../../src/core/health.ts";
import { attemptId, sandboxName } from "../../src/core/ids.ts";
import { randomIds, systemClock } from "../../src/main.ts";
import { lookAtHealth } from "../../src/operator/health.ts";
import { findClaude } from "../../src/sandbox/local/find-claude.ts";
import { lookAtMachine } from "../../src/sandbox/local/health.ts";
import { cli, path } from "../e2e/child.ts";
import { livingProcesses } from "../e2e/leftovers.ts";
import { openModel } from "../world/model.ts";
import { say } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";

const ready = needs("bwrap") && findClaude(path) !== undefined;

async function openDesk() {
  const root = mkdtempSync(join(tmpdir(), "parhelia-health-test-"));
  mkdirSync(join(root, ".git"));
  const model = await openModel({ script: say("Yes."), apiKey: "sk-ant-right" });
  onTestFinished(async () => {
    await model.close();
    expect(livingProcesses(root)).toEqual([]);
    rmSync(root, { recursive: true, force: true });
  });
  const env = { PATH: path, ANTHROPIC_API_KEY: "sk-ant-right", PARHELIA_AGENT_API_URL: model.url };
  return {
    root,
    env,
    look: async (changes: Record<string, string> = {}) =>
      healthJson(await lookAtHealth(readConfig(root, { ...env, ...changes }))),
  };
}

const all = {
  status: "ok",
  backend: "local",
  modal_connected: null,
  app_deployed: null,
  image_found: null,
  sandbox_started: true,
  volume_mounted: true,
  claude_installed: true,
  gateway_reachable: true,
  anthropic_key_set: true,
  problems: [],
};

const leftInTmp = () => readdirSync(tmpdir()).filter((name) => /^parhelia-health-(?!test)/.test(name));

test.skipIf(!ready).each(["bubblewrap", "none"])(
  "all is seen from a sandbox of this machine, and nothing of it stays (%s)",
  { timeout: 60_000 },
  async (isolation) => {
    const { root, look } = await openDesk();
    expect(await look({ PARHELIA_SANDBOX_ISOLATION: isolation })).toMatchObject({
      ...all,
      claude_version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      claude_path: findClaude(path),
      claude_error: null,
      image: null,
    });
    expect(leftInTmp()).toEqual([]);
    expect(readdirSync(join(root, ".parhelia"))).toEqual([]);
  },
);

test.skipIf(!ready)(
  "claude_installed: no Claude Code where it is to be, until it is",
  { timeout: 60_000 },
  async () => {
    const { root, look } = await openDesk();
    const claude = join(root, "claude");
    const seen = await look({ PARHELIA_AGENT_CLAUDE_PATH: claude });
    expect(seen).toMatchObject({
      status: "failed",
      sandbox_started: true,
      claude_installed: false,
      claude_path: claude,
    });
    expect(seen.problems).toEqual([
      {
        field: "claude_installed",
        found: expect.stringContaining(`${claude} --version failed in a sandbox: `),
        cure: "Install it (npm install --global @anthropic-ai/claude-code), or name where it is (agent.claude_path). Commands run without it.",
      },
    ]);
    writeFileSync(claude, "#!/bin/sh\necho '2.1.330 (Claude Code)'\n", { mode: 0o755 });
    expect(await look({ PARHELIA_AGENT_CLAUDE_PATH: claude })).toMatchObject({ ...all, claude_version: "2.1.330" });
  },
);

test.skipIf(!ready)("volume_mounted: a folder that keeps nothing, until it does", { timeout: 60_000 }, async () => {
  const { root, look } = await openDesk();
  const home = join(root, ".parhelia");
  mkdirSync(join(home, ".health"), { recursive: true });
  const seen = await look();
  expect(seen).toMatchObject({ status: "failed", sandbox_started: true, volume_mounted: false });
  expect(seen.problems).toMatchObject([{ field: "volume_mounted", found: expect.stringContaining(home) }]);
  rmSync(join(home, ".health"), { recursive: true });
  expect(await look()).toMatchObject(all);
});

test.skipIf(!ready)("gateway_reachable: a sandbox that is not heard", { timeout: 60_000 }, async () => {
  const { root } = await openDesk();
  const { seen } = await lookAtMachine({
    isolation: "bubblewrap",
    node: process.execPath,
    claude: undefined,
    home: join(root, ".parhelia"),
    name: sandboxName(attemptId(randomIds.task(), 1)),
    clock: systemClock,
    heard: Promise.resolve(undefined),
    open: async () => ({ close: async () => undefined }),
  });
  expect(seen).toMatchObject({
    sandbox_started: { outcome: "ok" },
    gateway_reachable: { outcome: "failed" },
    claude_installed: { outcome: "unseen" },
  });
});

test.skipIf(!ready)(
  "sandbox_started: a machine without bubblewrap, until tasks run without; by the program itself",
  { timeout: 60_000 },
  async () => {
    const { root, env } = await openDesk();
    // The machine as it is, but for this one program.
    const hidden = ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"].filter((each) => existsSync(each));
    const without = ["--dev-bind", "/", "/", ...hidden.flatMap((each) => ["--ro-bind", "/dev/null", each])];
    const health = async (words: readonly string[], more: Record<string, string> = {}) => {
      const child = spawn("bwrap", [...without, process.execPath, cli, "health", ...words], {
        cwd: root,
        env: { ...env, ...more, HOME: root },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
      return { code: child.exitCode, out, err };
    };
    const broken = await health(["--json"]);
    expect(broken).toMatchObject({ code: 1, err: "" });
    expect(JSON.parse(broken.out)).toMatchObject({
      status: "failed",
      sandbox_started: false,
      volume_mounted: true,
      claude_installed: false,
      anthropic_key_set: true,
      problems: [{ field: "sandbox_started", cure: expect.stringContaining('sandbox.isolation = "none"') }],
    });
    const shown = await health([]);
    expect(shown.code).toBe(1);
    expect(shown.out).toMatch(/^failed {3}sandbox_started .*bubblewrap/m);
    expect(shown.out).toMatch(/^–  .*claude_installed {3}not looked at: sandbox_started is false$/m);
    expect(await health(["--yaml"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("parhelia health [--json]"),
    });

    const mended = await health(["--json"], { PARHELIA_SANDBOX_ISOLATION: "none" });
    expect(mended).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(mended.out)).toMatchObject(all);
  },
);
