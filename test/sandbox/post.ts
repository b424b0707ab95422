/** A place where the commands of sandboxes report: a gateway's socket that only listens. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { SandboxName } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import type { Sandboxes, SandboxSpec } from "../../src/core/ports/sandboxes.ts";
import { openLocalSandboxes, type LocalSandboxesOptions } from "../../src/sandbox/local/open-local-sandboxes.ts";
import { eventually } from "../world/eventually.ts";

export const name = (n: number): SandboxName => SandboxName.parse(`parhelia-t_0000000${n}-1`);

export type Post = {
  root: string;
  options: LocalSandboxesOptions;
  open(changes?: Partial<LocalSandboxesOptions>): Promise<Sandboxes>;
  /** A spec whose shell script runs with `say`, which sends its standard input here. */
  spec(n: number, script: string, changes?: Partial<SandboxSpec>): SandboxSpec;
  /** The next thing said that was not heard yet. */
  heard(withinMs?: number): Promise<string>;
};

/** `node` and `PARHELIA_WORKSPACE` come from the backend. */
const say = `
say() { node -e 'const s=require("net").connect(process.env.GATEWAY.replace("unix:",""));process.stdin.pipe(s);s.on("close",()=>process.exit())'; }
`;

export async function openPost(isolation: LocalSandboxesOptions["isolation"]): Promise<Post> {
  const root = mkdtempSync(join(tmpdir(), "parhelia-"));
  const socketDirectory = join(root, "sockets");
  mkdirSync(socketDirectory, { mode: 0o711 });
  const said: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = "";
    socket.setEncoding("utf8").on("data", (part) => (text += String(part)));
    socket.on("error", () => undefined).on("close", () => said.push(text));
  });
  await new Promise<void>((resolve) => server.listen(join(socketDirectory, "gateway.sock"), resolve));
  chmodSync(join(socketDirectory, "gateway.sock"), 0o666);

  const options: LocalSandboxesOptions = {
    isolation,
    socketDirectory,
    stateDirectory: join(root, "state"),
    node: process.execPath,
    readOnly: [],
    slots: 4,
    clock: { now: () => Instant.parse(1_000_000) },
    limits: { workspaceMiB: 16, homeMiB: 16, tmpMiB: 16, pids: 64 },
  };
  const opened: Sandboxes[] = [];
  onTestFinished(async () => {
    for (const sandboxes of opened) {
      for (const n of [1, 2, 3]) await sandboxes.end(name(n));
    }
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(root, { recursive: true, force: true });
  });

  return {
    root,
    options,
    async open(changes = {}) {
      const sandboxes = await openLocalSandboxes({ ...options, ...changes });
      opened.push(sandboxes);
      return sandboxes;
    },
    spec: (n, script, changes = {}) => ({
      name: name(n),
      command: ["sh", "-c", say + script],
      resources: { cpu: 1, memoryMiB: 256 },
      lifetimeMs: 60_000,
      ...changes,
      env: { GATEWAY: `unix:${isolation === "none" ? socketDirectory : "/run/parhelia"}/gateway.sock`, ...changes.env },
    }),
    heard: (withinMs = 20_000) => eventually(() => said.shift(), { withinMs }),
  };
}
