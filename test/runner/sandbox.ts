/** Starts the real, bundled runner as a child process against the gateway's stand-in, as a sandbox would. */
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect } from "vitest";
import { bundleRunner } from "../../src/gateway/runner-bundle.ts";
import type { AttemptResult, Job } from "../../src/core/protocol.ts";
import {
  attemptToken,
  jobOf,
  openGatewayStandIn,
  type GatewayOptions,
  type GatewayStandIn,
} from "../world/gateway-stand-in.ts";
import type { Repository } from "./repository.ts";

export const bundle = bundleRunner();

export type Ended = { exitCode: number | null; stderr: string };

export type Sandbox = {
  gateway: GatewayStandIn;
  home: string;
  workspace: string;
  ended: Promise<Ended>;
  /** The result, once the runner has exited with 0 and nothing broke the protocol. */
  finish(): Promise<AttemptResult>;
  kill(signal: NodeJS.Signals): void;
  [Symbol.dispose](): void;
};

type Start = {
  work: Job["work"];
  source: Job["source"];
  timeoutMs?: number;
  gpu?: string | null;
  env?: Record<string, string>;
  options?: Partial<GatewayOptions>;
  /** argv in place of the runner's file. */
  argv?: string[];
  /** Called before the runner starts. */
  before?: (gateway: GatewayStandIn) => void;
};

export async function startSandbox(start: Start): Promise<Sandbox> {
  const { work, source, timeoutMs, gpu = null, env, options, argv, before } = start;
  const directory = mkdtempSync(join(tmpdir(), "sandbox-"));
  const home = join(directory, "home");
  const workspace = join(directory, "workspace");
  const temporary = join(directory, "tmp");
  for (const path of [home, workspace, temporary]) mkdirSync(path);
  // As everywhere: other users find their way, and have a place for temporary files.
  chmodSync(directory, 0o755);
  chmodSync(temporary, 0o1777);
  const runner = join(directory, "runner.mjs");
  writeFileSync(runner, bundle.code);
  const job = jobOf({ work, source, gpu, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  const gateway = await openGatewayStandIn({ job, ...options });
  before?.(gateway);
  const [file, ...args] = argv ?? [process.execPath, runner];
  const child = spawn(file === "node" || file === undefined ? process.execPath : file, args, {
    cwd: workspace,
    env: {
      PATH: process.env["PATH"],
      HOME: home,
      TMPDIR: temporary,
      PARHELIA_GATEWAY: gateway.address,
      PARHELIA_TOKEN: attemptToken,
      PARHELIA_RUNNER: runner,
      PARHELIA_WORKSPACE: workspace,
      ...env,
    },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const ended = Promise.all([
    new Promise<number | null>((resolve) => child.on("exit", (code) => resolve(code))),
    text(child.stderr),
  ]).then(([exitCode, stderr]): Ended => ({ exitCode, stderr }));
  return {
    gateway,
    home,
    workspace,
    ended,
    async finish() {
      expect(await ended).toEqual({ exitCode: 0, stderr: "" });
      expect(gateway.violations).toEqual([]);
      return gateway.result;
    },
    kill: (signal) => child.kill(signal),
    [Symbol.dispose]() {
      child.kill("SIGKILL");
      gateway.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Work that is one shell script; only tests use a shell. */
export const shell = (script: string): Job["work"] => ({ kind: "command", argv: ["sh", "-c", script] });

/** Fetched through the gateway. */
export const throughGateway = ({ directory, sha }: Repository) => ({
  source: { url: null, sha, ref: "refs/heads/main" },
  options: { repository: directory },
});

/** Runs the script on the repository and resolves to its result and what changed. */
export async function runScript(repository: Repository, script: string) {
  using sandbox = await startSandbox({ work: shell(script), ...throughGateway(repository) });
  const result = await sandbox.finish();
  const changes: Record<string, string | null> = {};
  for (const [path, change] of sandbox.gateway.changes()) {
    changes[path] = change === null ? null : `${change.mode} ${change.content.toString("latin1")}`;
  }
  return { result, changes };
}
