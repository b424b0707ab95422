/**
 * Holds a sandbox to its memory, CPU and number of processes by control groups, version 1 or 2, below the service's
 * own group. Where a controller cannot be had there, that is said; nothing is pretended.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

export const controllers = ["memory", "cpu", "pids"] as const;
export type Controller = (typeof controllers)[number];

export type GroupLimits = { readonly memoryBytes: number; readonly cpu: number; readonly pids: number };

export type Cgroups = {
  readonly held: ReadonlySet<Controller>;
  /** Makes the groups of a sandbox and answers the directories to join. An older group of the name is used again. */
  make(name: string, limits: GroupLimits): string[];
  /** Resolves when the groups are gone; they must have no process left, which the kernel sees a moment later. */
  remove(name: string): Promise<void>;
  /** Removes this replica's groups of all other names that have no process left: sandboxes that ended by themselves. */
  sweep(keep: ReadonlySet<string>): void;
};

/** Where a controller's groups are made. */
export type Place = { readonly controller: Controller; readonly version: 1 | 2; readonly directory: string };

const periodUs = 100_000;
/** The kernel takes no quota below a millisecond. */
const leastQuotaUs = 1000;

function settings(
  { controller, version }: Place,
  { memoryBytes, cpu, pids }: GroupLimits,
): [file: string, value: string][] {
  const quotaUs = Math.max(leastQuotaUs, Math.round(cpu * periodUs));
  if (controller === "pids") return [["pids.max", `${pids}`]];
  if (controller === "cpu") {
    if (version === 2) return [["cpu.max", `${quotaUs} ${periodUs}`]];
    return [
      ["cpu.cfs_period_us", `${periodUs}`],
      ["cpu.cfs_quota_us", `${quotaUs}`],
    ];
  }
  return [[version === 2 ? "memory.max" : "memory.limit_in_bytes", `${memoryBytes}`]];
}

/** The group of the service itself where it had to step down, or where systemd was told `DelegateSubgroup=` so. */
const serviceGroup = "parhelia-service";

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "");

/** The groups of the calling process, from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`. */
function ownGroups(mountinfo: string, cgroup: string): Place[] {
  const paths = cgroup.split("\n").map((line) => line.split(":"));
  return mountinfo.split("\n").flatMap((line): Place[] => {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "/", mountPoint = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") return [];
    const version = type === "cgroup2" ? 2 : 1;
    return controllers.flatMap((controller): Place[] => {
      if (version === 1 && !options.split(",").includes(controller)) return [];
      const entry = paths.find(([id, names = ""]) =>
        version === 2 ? id === "0" : names.split(",").includes(controller),
      );
      const path = entry?.slice(2).join(":");
      if (path === undefined) return [];
      // A container may see only its own part of the tree.
      const below = root !== "/" && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path;
      const group = join(mountPoint, below);
      return [{ controller, version, directory: basename(group) === serviceGroup ? dirname(group) : group }];
    });
  });
}

/** Version 2 gives a controller to children only when the group itself holds no process, so a lone service steps down. */
function delegate({ controller, directory }: Place, pid: number): void {
  const enable = (): void => writeFileSync(join(directory, "cgroup.subtree_control"), `+${controller}`);
  try {
    enable();
  } catch (error) {
    const alone = readFileSync(join(directory, "cgroup.procs"), "utf8").trim() === `${pid}`;
    if (codeOf(error) !== "EBUSY" || !alone) throw error;
    mkdirSync(join(directory, serviceGroup), { recursive: true });
    writeFileSync(join(directory, serviceGroup, "cgroup.procs"), `${pid}`);
    enable();
  }
}

/** True when a group with these limits can be made there. */
function works(place: Place, pid: number): boolean {
  const trial = join(place.directory, `parhelia-trial-${pid}`);
  try {
    if (place.version === 2) delegate(place, pid);
    mkdirSync(trial);
  } catch (error) {
    if (["EACCES", "EPERM", "EROFS", "EBUSY", "ENOENT", "EINVAL", "ENOTSUP", "EOPNOTSUPP"].includes(codeOf(error)))
      return false;
    throw error;
  }
  try {
    for (const [file, value] of settings(place, { memoryBytes: 2 ** 30, cpu: 1, pids: 100 })) {
      writeFileSync(join(trial, file), value, { flag: "r+" });
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "") throw error;
    return false;
  } finally {
    rmdirSync(trial);
  }
}

function removeOnce(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return true;
    if (codeOf(error) === "EBUSY") return false;
    throw error;
  }
}

const pauseMs = 10;
const tries = 300;

export type GroupOwner = {
  /** Tells the groups of one service from another's. */
  readonly prefix: string;
  /** Tells those of its replicas apart: one that is made and not yet joined must not be swept away by another. */
  readonly replica: number;
  readonly pid: number;
};

export function openCgroups({ prefix, replica, pid }: GroupOwner): Cgroups {
  const nameOf = (group: string): string => group.slice(prefix.length).replace(/\.\d+$/, "");
  const ofReplica = replica === 0 ? "" : `.${replica}`;
  const own = ownGroups(readFileSync("/proc/self/mountinfo", "utf8"), readFileSync("/proc/self/cgroup", "utf8"));
  const places = controllers.flatMap((controller) => {
    const place = own.find((candidate) => candidate.controller === controller && works(candidate, pid));
    return place === undefined ? [] : [place];
  });
  const directories = [...new Set(places.map(({ directory }) => directory))];
  const all = (): { directory: string; group: string }[] =>
    directories.flatMap((directory) =>
      readdirSync(directory).flatMap((group) => (group.startsWith(prefix) ? [{ directory, group }] : [])),
    );

  return {
    held: new Set(places.map(({ controller }) => controller)),
    make(name, limits) {
      const groups = directories.map((directory) => join(directory, prefix + name + ofReplica));
      for (const group of groups) mkdirSync(group, { recursive: true });
      for (const place of places) {
        for (const [file, value] of settings(place, limits)) {
          writeFileSync(join(place.directory, prefix + name + ofReplica, file), value);
        }
      }
      return groups;
    },
    async remove(name) {
      let left = all().flatMap(({ directory, group }) => (nameOf(group) === name ? [join(directory, group)] : []));
      for (let n = 0; n < tries && left.length > 0; n += 1) {
        left = left.filter((group) => !removeOnce(group));
        if (left.length > 0) await delay(pauseMs);
      }
      if (left.length > 0) throw new Error(`The control group ${left.join(", ")} still has processes.`);
    },
    sweep(keep) {
      for (const { directory, group } of all()) {
        const name = nameOf(group);
        if (group === prefix + name + ofReplica && !keep.has(name)) removeOnce(join(directory, group));
      }
    },
  };
}
