/** A place where the commands of sandboxes report: behind each gateway's socket is one that only listens. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { SandboxName } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import type { SandboxSpec } from "../../src/core/ports/sandboxes.ts";
import {
  openLocalSandboxes,
  type LocalSandboxes,
  type LocalSandboxesOptions,
} from "../../src/sandbox/local/open-local-sandboxes.ts";
import { doorTo } from "./door-to.ts";
import { openEar } from "./ear.ts";

export const name = (n: number): SandboxName => SandboxName.parse(`parhelia-t_0000000${n}-1`);

export type Post = {
  root: string;
  /** The socket that listens. */
  socket: string;
  options: LocalSandboxesOptions;
  /** With doors that lead here, as those of every service have to. */
  open(changes?: Partial<LocalSandboxesOptions>): Promise<LocalSandboxes>;
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
  const socket = join(root, "post.sock");
  const ear = await openEar({ path: socket });
  chmodSync(socket, 0o666);

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
  const opened: (() => Promise<void>)[] = [];
  onTestFinished(async () => {
    for (const close of opened) await close();
    await ear.close();
    rmSync(root, { recursive: true, force: true });
  });

  return {
    root,
    socket,
    options,
    async open(changes = {}) {
      const sandboxes = await openLocalSandboxes({ ...options, ...changes });
      const door = await sandboxes.serve(doorTo(socket));
      opened.push(async () => {
        for (const n of [1, 2, 3]) await sandboxes.end(name(n));
        await door.close();
      });
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
    heard: ear.heard,
  };
}
