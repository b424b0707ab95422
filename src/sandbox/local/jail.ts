/**
 * The argv of one jail, from the outside in:
 *
 *   timeout       the sandbox's lifetime, which holds without the service; its death ends everything below
 *   bwrap (outer) a PID namespace whose first process no process of the sandbox can see, trace or stop, so that the
 *                 kernel ends all of the sandbox with it; and a copy of the mounts in which a user without rights
 *                 reaches what the sandbox is shown, whatever private directory it lies in
 *   sh            joins the control groups
 *   setpriv       steps down to the slot's user, where the service is root: inside would be host root otherwise
 *   bwrap (inner) the sandbox
 *
 * What is secret goes through `--args` on a descriptor: an argv shows in the machine's process list.
 */
import { dirname } from "node:path";
import { lstatSync, readlinkSync } from "node:fs";
import type { SandboxSpec } from "../../core/ports/sandboxes.ts";
import { type LocalLimits, mebibyte, sharedMemoryMiB } from "./limits.ts";
import { type Mark, markArgv } from "./mark.ts";
import { type Program, shell } from "./programs.ts";

const insideWorkspace = "/workspace";
const insideHome = "/home/agent";
export const insideSockets = "/run/parhelia";
/** In front of the PATH, so that `node` is the one that the backend brings. */
const insideNode = "/run/parhelia-node";

/** Where the inside of a jail gets its options from, and where it says that it stands. */
export const argsDescriptor = 3;
export const readyDescriptor = 4;
export const readyWord = "ready";

/** uid and gid of the command, as it sees itself. */
const insideId = "1000";

/** The first host user of a slot: above the range that Debian gives to people and services. */
export const firstSlotUid = 200_000;

export type JailGround = {
  readonly programs: Readonly<Record<Exclude<Program, "grep">, string>>;
  readonly limits: LocalLimits;
  readonly node: string;
  /** A directory with our own `passwd`, `group`, `hosts` and `nsswitch.conf`. */
  readonly etc: string;
  /** Shown read-only at the same path. */
  readonly readOnly: readonly string[];
  /** True when the service is root and so can step down to a user of the slot. */
  readonly ownUsers: boolean;
};

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** `/bin`, `/lib` and their like, as this machine has them. */
function systemDirectories(): string[] {
  const roots = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].filter(exists);
  const shown = roots.flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path],
  );
  // Certificates and the like; `/etc/ssl/private` stays out.
  const etc = ["/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/alternatives", "/etc/ld.so.cache"].filter(exists);
  return ["--ro-bind", "/usr", "/usr", ...shown, ...etc.flatMap((path) => ["--ro-bind", path, path])];
}

/** Host path → path inside. */
function shownPaths({ node, etc, readOnly }: JailGround, sockets: string): [from: string, to: string][] {
  return [
    ...["passwd", "group", "hosts", "nsswitch.conf"].map((file): [string, string] => [
      `${etc}/${file}`,
      `/etc/${file}`,
    ]),
    [sockets, insideSockets],
    [node, `${insideNode}/node`],
    ...readOnly.map((path): [string, string] => [path, path]),
  ];
}

/** The place of the n-th shown path between the two. */
const between = (n: number): string => `/tmp/shown/${n}`;

const words = (line: string): string[] => line.split(" ");

/** Without the last variable the service died while it wrote the environment; then the command does not run. */
const sayReady = `: "\${PARHELIA_WORKSPACE:?}"; echo ${readyWord} >&${readyDescriptor}; exec "$@" ${readyDescriptor}>&- 2>/dev/null`;

function innerArgv(ground: JailGround, { command, sockets }: Pick<Jailed, "command" | "sockets">): string[] {
  const { limits, programs } = ground;
  const sized = (mib: number, path: string): string[] => words(`--size ${mib * mebibyte} --tmpfs ${path}`);
  return [
    programs.bwrap,
    ...words(`--unshare-all --unshare-user --disable-userns --uid ${insideId} --gid ${insideId}`),
    ...words("--hostname sandbox --new-session --clearenv --cap-drop ALL"),
    ...sized(1, "/"),
    ...systemDirectories(),
    ...words("--proc /proc --dev /dev"),
    ...sized(sharedMemoryMiB, "/dev/shm"),
    ...words("--remount-ro /dev --perms 1777"),
    ...sized(limits.tmpMiB, "/tmp"),
    ...sized(limits.workspaceMiB, insideWorkspace),
    ...sized(limits.homeMiB, insideHome),
    ...shownPaths(ground, sockets).flatMap(([, to], n) => ["--ro-bind", between(n), to]),
    ...words(`--remount-ro / --chdir ${insideWorkspace} --args ${argsDescriptor} --`),
    shell,
    "-c",
    sayReady,
    "sh",
    // The user's own count of processes starts anew in the jail's user namespace, so this bounds the jail alone.
    programs.prlimit,
    ...words(`--nproc=${limits.pids}:${limits.pids} --core=0:0 --`),
    ...command,
  ];
}

/** `$1` to `$4` are the mark. */
const joinGroups =
  'shift 4; while [ "$1" != -- ]; do echo 0 > "$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@"';

export interface Jailed {
  readonly command: readonly string[];
  readonly lifetimeMs: number;
  /** The directories of the control groups to join. */
  readonly groups: readonly string[];
  /** The directory of its own sockets. */
  readonly sockets: string;
}

export function jailArgv(ground: JailGround, mark: Mark, jailed: Jailed): string[] {
  const { programs } = ground;
  const uid = `${firstSlotUid + mark.slot}`;
  const stepDown = [programs.setpriv, "--reuid", uid, "--regid", uid, "--clear-groups", "--no-new-privs", "--"];
  return [
    programs.timeout,
    ...words(`-s KILL ${(jailed.lifetimeMs / 1000).toFixed(3)}`),
    programs.bwrap,
    ...words("--unshare-pid --die-with-parent --dev-bind / / --tmpfs /tmp"),
    // Made by itself it would be closed to the slot's user.
    ...words(`--perms 0755 --dir ${dirname(between(0))}`),
    ...shownPaths(ground, jailed.sockets).flatMap(([from], n) => ["--ro-bind", from, between(n)]),
    ...words(`--chdir / -- ${shell} -c`),
    joinGroups,
    ...markArgv(mark),
    ...jailed.groups,
    "--",
    ...(ground.ownUsers ? stepDown : []),
    ...innerArgv(ground, jailed),
  ];
}

/** What goes through the descriptor. Throws for a variable that no environment can hold. */
export function secretArgs(env: SandboxSpec["env"]): string {
  const ours = {
    PATH: `${insideNode}:/usr/local/bin:/usr/bin:/bin`,
    HOME: insideHome,
    // Last, because the jail takes it for the end of what it was to get.
    PARHELIA_WORKSPACE: insideWorkspace,
  };
  const given = Object.entries(env).filter(([name]) => !(name in ours));
  const options = [...given, ...Object.entries(ours)].flatMap(([name, value]) => {
    if (!/^[^=\0]+$/.test(name) || value.includes("\0")) throw new Error(`The variable ${name} cannot be set.`);
    return ["--setenv", name, value];
  });
  return `${options.join("\0")}\0`;
}
