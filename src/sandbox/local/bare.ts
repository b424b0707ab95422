/**
 * Sandboxes that are none: plain processes of the service's own user in a private directory, for machines where no
 * jail can be made. They are found by an environment marker and by their process groups; what removes the one and
 * leaves the other is lost until its machine stops, which is one of the reasons to use a jail.
 */
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import { Instant } from "../../core/instant.ts";
import type { SandboxSpec } from "../../core/ports/sandboxes.ts";
import { connectionsPerSandbox, type Door, type OpenDoor } from "./doors.ts";
import type { Isolation } from "./isolation.ts";
import { onlyThese } from "./descriptors.ts";
import { acceptOn, type Machine } from "./limits.ts";
import { holdings, markArgv, markLength, sandboxOf } from "./mark.ts";
import { allPids, environmentOf, isAlive, killAll, type ProcessStat, statOf } from "./processes.ts";
import { programPath, shell } from "./programs.ts";
import { firstSlotOf, replicaOf } from "./slots.ts";

export type BareGround = {
  readonly socketDirectory: string;
  readonly stateDirectory: string;
  readonly node: string;
  readonly slots: number;
  readonly replica: number;
  readonly machine: Machine;
  readonly uid: number;
  readonly pid: number;
};

const marker = "PARHELIA_SANDBOX";

/**
 * Holds the lifetime without the service, and ends what outlives the command. `$1` to `$4` are the mark; then come
 * the sandbox's directory, its lifetime in seconds, `timeout`, `grep` and the command.
 */
const watchdog = `
shift ${markLength - 1}; directory=$1 seconds=$2 timeout=$3 grep=$4; shift 4
cd "$directory/workspace" || exit 1
${marker}="$directory" "$timeout" -s KILL "$seconds" "$@"
while left=$("$grep" -lsFxz "${marker}=$directory" /proc/[0-9]*/environ); [ -n "$left" ]; do
  for file in $left; do pid=\${file#/proc/}; kill -KILL "\${pid%/environ}"; done
  sleep 0.05
done
cd / && rm -rf "$directory"`;

/** The processes that bear the marker, their process groups, and all that descend from them. */
function marked(directory: string, ownPid: number): ProcessStat[] {
  const all = allPids().flatMap((pid) => statOf(pid) ?? []);
  const found = new Map(
    all.filter(({ pid }) => environmentOf(pid).includes(`${marker}=${directory}`)).map((stat) => [stat.pid, stat]),
  );
  const ownGroup = statOf(ownPid)?.group;
  const groups = new Set([...found.values()].map(({ group }) => group).filter((group) => group !== ownGroup));
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const stat of all) if (groups.has(stat.group) || found.has(stat.parent)) found.set(stat.pid, stat);
  }
  found.delete(ownPid);
  return [...found.values()].filter(isAlive);
}

/** When the sandbox started and by which replica, for the time after its watchdog. */
const startedFile = "started-at";

function readStart(directory: string): { startedAt: Instant; replica: number }[] {
  const file = join(directory, startedFile);
  if (!existsSync(file)) return [];
  const [startedAt, replica = "0"] = readFileSync(file, "utf8").split(" ");
  return [{ startedAt: Instant.parse(Number(startedAt)), replica: Number(replica) }];
}

export interface BareLiving {
  /** Also those whose watchdog was killed. */
  living(): { name: string; startedAt: Instant; replica: number }[];
  end(name: string): Promise<void>;
}

/** The directory of a service's bare sandboxes; its path is their owner's name. */
export const bareOwner = (stateDirectory: string): string => join(stateDirectory, "sandboxes");

/** What lives of this owner; it takes no service to look and to end. `pid` is the process that asks. */
export function bareLiving({ owner, uid, pid }: { owner: string; uid: number; pid: number }): BareLiving {
  const directoryOf = (name: string): string => join(owner, name);
  const watchdogs = () => holdings({ owner, uid, depth: 0, programs: [shell] });
  return {
    living() {
      const watched = watchdogs();
      const strays = readdirSync(owner).filter(
        (name) => !watched.some((one) => one.name === name) && marked(directoryOf(name), pid).length > 0,
      );
      return [
        ...watched.map(({ name, startedAt, slot }) => ({ name, startedAt, replica: replicaOf(slot) })),
        ...strays.flatMap((name) => readStart(directoryOf(name)).map((start) => ({ name, ...start }))),
      ];
    },
    async end(name) {
      // First the watchdog: it would start to clean up as well.
      await killAll(() => watchdogs().flatMap((holding) => (holding.name === name ? holding.holders : [])));
      await killAll(() => marked(directoryOf(name), pid));
      rmSync(directoryOf(name), { recursive: true, force: true });
    },
  };
}

export function openBare(given: BareGround): Isolation {
  const { replica } = given;
  const owner = bareOwner(given.stateDirectory);
  // The first one's are where they are for a service that is alone.
  const socketsOf = (maker: number): string =>
    maker === 0 ? given.socketDirectory : join(given.socketDirectory, `r${maker}`);
  const sockets = socketsOf(replica);
  let opener: OpenDoor | undefined;
  const doors = new Set<Door>();
  const probeName = `probe-${replica}`;
  const programs = { timeout: programPath("timeout"), grep: programPath("grep") };
  mkdirSync(owner, { recursive: true, mode: 0o700 });
  mkdirSync(sockets, { recursive: true });
  const directoryOf = (name: string): string => join(owner, name);
  const { living, end } = bareLiving({ owner, uid: given.uid, pid: given.pid });

  /** One for all sandboxes of a replica: a process of the service's own user reaches every socket anyway. */
  const openDoor = async (maker: number): Promise<Door> => {
    if (opener === undefined) throw new Error("No door can be opened before there is a service behind it.");
    const connections = connectionsPerSandbox * given.slots;
    // Nothing holds these sandboxes to a network (`shortcomings`).
    const opened = await opener({ directory: socketsOf(maker), connections, network: () => undefined });
    const door: Door = {
      async close() {
        if (doors.delete(door)) await opened.close();
      },
    };
    doors.add(door);
    return door;
  };

  const starting = new Set<string>();

  const startAlone = async (
    { name, command, env, lifetimeMs }: Omit<SandboxSpec, "name"> & { name: string },
    startedAt: Instant,
  ) => {
    const directory = directoryOf(name);
    // What a sandbox of this name left behind.
    await end(name);
    for (const part of ["workspace", "home", "tmp", "bin"])
      mkdirSync(join(directory, part), { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, startedFile), `${startedAt} ${replica}`);
    symlinkSync(given.node, join(directory, "bin/node"));
    const devNull = openSync("/dev/null", "r+");
    const mark = markArgv({ owner, name, startedAt, slot: firstSlotOf(replica) });
    const child = spawn(
      shell,
      ["-c", watchdog, ...mark, directory, (lifetimeMs / 1000).toFixed(3), programs.timeout, programs.grep, ...command],
      {
        cwd: "/",
        detached: true,
        stdio: onlyThese(["ignore", "ignore", "ignore"], devNull),
        env: {
          ...env,
          PATH: `${join(directory, "bin")}:/usr/local/bin:/usr/bin:/bin`,
          HOME: join(directory, "home"),
          TMPDIR: join(directory, "tmp"),
          PARHELIA_WORKSPACE: join(directory, "workspace"),
        },
      },
    );
    closeSync(devNull);
    await once(child, "spawn");
    child.unref();
  };

  const start: typeof startAlone = async (spec, startedAt) => {
    const own = living().flatMap((one) => (one.replica === replica ? [one.name] : []));
    const used = new Set([...own, ...starting]);
    used.delete(probeName);
    // A service that starts beside all the sandboxes of the one before it has to prove itself nevertheless.
    if (used.size >= given.slots && spec.name !== probeName)
      throw new Error(`All ${given.slots} local sandboxes are in use.`);
    starting.add(spec.name);
    try {
      await startAlone(spec, startedAt);
    } finally {
      starting.delete(spec.name);
    }
  };

  return {
    gatewayAddress: `unix:${join(sockets, "gateway.sock")}`,
    proxyAddress: `unix:${join(sockets, "proxy.sock")}`,
    shortcomings: [
      'Nothing isolates a task (isolation = "none"): it runs as the service\'s own user, can read and change all that the service can, secrets included, and reaches the whole network.',
      'Nothing holds a task to its CPU, memory, processes or disk (isolation = "none").',
    ],
    accept: (resources) => acceptOn(given.machine, 0, resources),
    start,
    living: () => living().flatMap(sandboxOf),
    end,
    async serve(open) {
      opener = open;
      await openDoor(replica);
      return { close: async () => void (await Promise.all([...doors].map((door) => door.close()))) };
    },
    makerOf: (name) => living().find((one) => one.name === name)?.replica,
    adopt: openDoor,
    async prove(startedAt) {
      const used = new Set(living().map(({ name }) => name));
      // Another replica may just be making the directory of a sandbox.
      const isOwn = (name: string) => readStart(directoryOf(name)).some((start) => start.replica === replica);
      for (const name of readdirSync(owner)) if (!used.has(name) && isOwn(name)) await end(name);
      await start(
        { name: probeName, command: ["true"], env: {}, resources: { cpu: 1, memoryMiB: 64 }, lifetimeMs: 30_000 },
        startedAt,
      );
      await end(probeName);
    },
  };
}
