/** Sandboxes that are jails of bubblewrap: no network beside the sockets, no sight of the machine, sized files. */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
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

export type BubblewrapGround = {
  readonly socketDirectory: string;
  readonly stateDirectory: string;
  readonly node: string;
  readonly readOnly: readonly string[];
  readonly slots: number;
  readonly limits: LocalLimits;
  readonly machine: Machine;
  readonly uid: number;
  readonly pid: number;
};

/** Of a jail, seen from this service: 0 is the machine around it, 1 the outer PID namespace, and below is the inside. */
const outsideDepth = 1;

function writeEtc(stateDirectory: string): string {
  const etc = join(stateDirectory, "etc");
  const files = {
    passwd: "agent:x:1000:1000:agent:/home/agent:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    group: "agent:x:1000:\nnogroup:x:65534:\n",
    hosts: "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  };
  mkdirSync(etc, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(etc, file), text);
    chmodSync(join(etc, file), 0o644);
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
  return { ...given, programs, ownUsers, etc: writeEtc(given.stateDirectory) };
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

/** The lowest slot that is not in `used` and whose user has no process on this machine. Throws where all are in use. */
function freeSlot(used: ReadonlyMap<string, number>, slots: number): number {
  if (used.size >= slots) throw new Error(`All ${slots} local sandboxes are in use.`);
  const users = new Set(allPids().map((pid) => standingOf(pid)?.uid));
  const taken = new Set(used.values());
  for (let slot = 0; ; slot += 1) if (!taken.has(slot) && !users.has(firstSlotUid + slot)) return slot;
}

type Started = Omit<SandboxSpec, "name"> & { name: string };

const probe: Started = {
  name: "probe",
  command: ["node", "--version"],
  env: {},
  resources: { cpu: 1, memoryMiB: 256 },
  lifetimeMs: 30_000,
};

/** Throws an `Error` with the cure when a program is missing. Nothing is started yet. */
export function openBubblewrap(given: BubblewrapGround): Isolation {
  const ground = openJailGround(given);
  const { limits, machine, uid, stateDirectory: owner } = given;
  const programs = [...Object.values(ground.programs), shell];
  const holders = () => holdings({ owner, uid, depth: outsideDepth, programs });
  const cgroups = openCgroups(`parhelia-${createHash("sha256").update(owner).digest("hex").slice(0, 8)}-`, given.pid);
  const starting = new Map<string, number>();
  const doors = slotDoors(given.socketDirectory);

  const end = async (name: string): Promise<void> => {
    await killAll(() => holders().flatMap((holding) => (holding.name === name ? holding.holders : [])));
    await cgroups.remove(name);
  };

  const start = async ({ name, command, env, lifetimeMs, resources }: Started, startedAt: Instant) => {
    const secret = secretArgs(env);
    const used = new Map([...holders().map((holding) => [holding.name, holding.slot] as const), ...starting]);
    const slot = freeSlot(used, given.slots);
    starting.set(name, slot);
    try {
      cgroups.sweep(new Set([...used.keys(), name]));
      const memoryBytes = (resources.memoryMiB + filesMiB(limits)) * mebibyte;
      const groups = cgroups.make(name, { memoryBytes, cpu: resources.cpu, pids: limits.pids });
      await doors.ready(slot);
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
    serve: (open) => doors.serve(open, [...holders().map(({ slot }) => slot), ...starting.values()]),
    async prove(startedAt) {
      await end(probe.name);
      const exited = await start({ ...probe }, startedAt);
      const status = await exited();
      await end(probe.name);
      if (status !== 0) throw new Error(`${ground.node} does not run in a sandbox: it ended with status ${status}`);
    },
  };
}
