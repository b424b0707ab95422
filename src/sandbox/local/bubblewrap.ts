/** Sandboxes that are jails of bubblewrap: no network beside the sockets, no sight of the machine, sized files. */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Instant } from "../../core/instant.ts";
import type { SandboxSpec } from "../../core/ports/sandboxes.ts";
import { type Controller, openCgroups } from "./cgroups.ts";
import { slotDoors } from "./doors.ts";
import type { Isolation } from "./isolation.ts";
import { firstSlotUid, insideSockets, jailArgv, type JailGround, secretArgs } from "./jail.ts";
import { launch } from "./launch.ts";
import { acceptOn, filesMiB, type LocalLimits, type Machine, mebibyte } from "./limits.ts";
import { holdings, sandboxOf } from "./mark.ts";
import { allPids, killAll, standingOf } from "./processes.ts";
import { programPath, shell } from "./programs.ts";
import { freeSlot, replicaOf } from "./slots.ts";

export type BubblewrapGround = {
  readonly socketDirectory: string;
  readonly stateDirectory: string;
  readonly node: string;
  readonly readOnly: readonly string[];
  readonly slots: number;
  readonly replica: number;
  readonly limits: LocalLimits;
  readonly machine: Machine;
  readonly uid: number;
  readonly pid: number;
};

/** Of a jail, seen from this service: 0 is the machine around it, 1 the outer PID namespace, and below is the inside. */
export const outsideDepth = 1;

/** What is right already is left alone: sandboxes of other replicas are being shown it. */
function writeEtc({ stateDirectory, pid }: BubblewrapGround): string {
  const etc = join(stateDirectory, "etc");
  const files = {
    passwd: "agent:x:1000:1000:agent:/home/agent:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    group: "agent:x:1000:\nnogroup:x:65534:\n",
    hosts: "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  };
  mkdirSync(etc, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    const place = join(etc, file);
    if (existsSync(place) && readFileSync(place, "utf8") === text) continue;
    writeFileSync(`${place}.${pid}`, text);
    chmodSync(`${place}.${pid}`, 0o644);
    renameSync(`${place}.${pid}`, place);
  }
  return etc;
}

function openJailGround(given: BubblewrapGround): JailGround {
  const programs = {
    bwrap: programPath("bwrap"),
    timeout: programPath("timeout"),
    setpriv: programPath("setpriv"),
    prlimit: programPath("prlimit"),
  };
  const ownUsers = given.uid === 0;
  // A slot's user has to reach the sockets through it; it need not be able to list it.
  if (ownUsers) chmodSync(given.socketDirectory, 0o711);
  return { ...given, programs, ownUsers, etc: writeEtc(given) };
}

const missing = { memory: "memory", cpu: "CPU" } as const;

function shortcomingsOf(held: ReadonlySet<Controller>, ownUsers: boolean): string[] {
  const unheld = (["memory", "cpu"] as const).filter((controller) => !held.has(controller));
  const groups = unheld.map(
    (controller) =>
      `A sandbox can use more ${missing[controller]} than it was given: this service cannot make control groups for it (run it as root, or under systemd with Delegate=yes).`,
  );
  const users = ownUsers
    ? []
    : [
        "All sandboxes run as the service's own user on this machine: a fault of the kernel's isolation would expose it.",
      ];
  return [...groups, ...users];
}

/** A slot of this replica that no sandbox has and whose user has no process on this machine. */
function takeSlot(replica: number, used: ReadonlySet<number>): number {
  const users = new Set(allPids().map((pid) => standingOf(pid)?.uid));
  return freeSlot(replica, (slot) => used.has(slot) || users.has(firstSlotUid + slot));
}

type Started = Omit<SandboxSpec, "name"> & { name: string };

const probe: Omit<Started, "name"> = {
  command: ["node", "--version"],
  env: {},
  resources: { cpu: 1, memoryMiB: 256 },
  lifetimeMs: 30_000,
};

/** Throws an `Error` with the cure when a program is missing. Nothing is started yet. */
export function openBubblewrap(given: BubblewrapGround): Isolation {
  const ground = openJailGround(given);
  const { limits, machine, uid, replica, stateDirectory: owner } = given;
  const programs = [...Object.values(ground.programs), shell];
  const holders = () => holdings({ owner, uid, depth: outsideDepth, programs });
  const prefix = `parhelia-${createHash("sha256").update(owner).digest("hex").slice(0, 8)}-`;
  const cgroups = openCgroups({ prefix, replica, pid: given.pid });
  const probeName = `probe-${replica}`;
  const starting = new Map<string, number>();
  const doors = slotDoors(given.socketDirectory);

  const slotsMadeBy = (maker: number): number[] =>
    holders().flatMap(({ slot }) => (replicaOf(slot) === maker ? [slot] : []));

  const end = async (name: string): Promise<void> => {
    await killAll(() => holders().flatMap((holding) => (holding.name === name ? holding.holders : [])));
    await cgroups.remove(name);
  };

  const start = async ({ name, command, env, lifetimeMs, resources, network }: Started, startedAt: Instant) => {
    const secret = secretArgs(env);
    const used = new Map([...holders().map((holding) => [holding.name, holding.slot] as const), ...starting]);
    const own = [...used].filter(([other, slot]) => replicaOf(slot) === replica && other !== probeName);
    // A service that starts beside all the sandboxes of the one before it has to prove itself nevertheless.
    if (own.length >= given.slots && name !== probeName)
      throw new Error(`All ${given.slots} local sandboxes are in use.`);
    const slot = takeSlot(replica, new Set(used.values()));
    starting.set(name, slot);
    try {
      cgroups.sweep(new Set([...used.keys(), name]));
      const memoryBytes = (resources.memoryMiB + filesMiB(limits)) * mebibyte;
      const groups = cgroups.make(name, { memoryBytes, cpu: resources.cpu, pids: limits.pids });
      await doors.ready(slot, network);
      const sockets = doors.directoryOf(slot);
      const mark = { owner, name, startedAt, slot };
      return await launch(jailArgv(ground, mark, { command, lifetimeMs, groups, sockets }), secret);
    } catch (error) {
      await end(name);
      throw error;
    } finally {
      starting.delete(name);
    }
  };

  return {
    gatewayAddress: `unix:${insideSockets}/gateway.sock`,
    proxyAddress: `unix:${insideSockets}/proxy.sock`,
    shortcomings: shortcomingsOf(cgroups.held, ground.ownUsers),
    accept: (resources) => acceptOn(machine, filesMiB(limits), resources),
    start: async (spec, startedAt) => void (await start(spec, startedAt)),
    living: () => holders().flatMap(sandboxOf),
    end,
    serve: (open) => doors.serve(open, [...slotsMadeBy(replica), ...starting.values()]),
    makerOf(name) {
      const slot = holders().find((holding) => holding.name === name)?.slot;
      return slot === undefined ? undefined : replicaOf(slot);
    },
    adopt: (dead) => doors.adopt(slotsMadeBy(dead)),
    async prove(startedAt) {
      await end(probeName);
      const exited = await start({ ...probe, name: probeName }, startedAt);
      const status = await exited();
      await end(probeName);
      if (status !== 0) throw new Error(`${ground.node} does not run in a sandbox: it ended with status ${status}`);
    },
  };
}
