/**
 * What /proc says of the machine's processes. The processes are the only record of which sandboxes live: a record in
 * a file could be lost between starting a sandbox and writing it, and would outlive the sandbox.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A process; the pair is never given to another process while the machine runs. */
export type ProcessId = {
  readonly pid: number;
  /** Ticks since the machine started: field 22 of its `stat`. */
  readonly startTicks: string;
};

export type ProcessStat = ProcessId & { readonly state: string; readonly parent: number; readonly group: number };

/** Gone meanwhile, or not ours to read. */
const unreadable = new Set(["ENOENT", "ESRCH", "EACCES", "EPERM"]);

function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && unreadable.has(String(error.code))) return undefined;
    throw error;
  }
}

export const allPids = (): number[] =>
  readdirSync("/proc")
    .filter((entry) => /^[1-9][0-9]*$/.test(entry))
    .map(Number);

export const argvOf = (pid: number): string[] => read(pid, "cmdline")?.split("\0").slice(0, -1) ?? [];

/** `NAME=value` lines as the process was started with; empty where it is not ours to read. */
export const environmentOf = (pid: number): string[] => read(pid, "environ")?.split("\0").slice(0, -1) ?? [];

export function statOf(pid: number): ProcessStat | undefined {
  const stat = read(pid, "stat");
  if (stat === undefined) return undefined;
  // The name in parentheses is the process's own choice and may hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", parent = "", group = ""] = fields;
  return { pid, startTicks: fields[19] ?? "", state, parent: Number(parent), group: Number(group) };
}

/** The real user, and how many PID namespaces below this one the process was started in (0: in this one). */
export function standingOf(pid: number): { uid: number; depth: number } | undefined {
  const status = read(pid, "status");
  const uid = status && /^Uid:\t(\d+)/m.exec(status)?.[1];
  const pids = status && /^NSpid:\t(.*)$/m.exec(status)?.[1];
  if (!uid || !pids) return undefined;
  return { uid: Number(uid), depth: pids.split("\t").length - 1 };
}

/** A zombie is dead: where the machine's init does not reap, it stays one for ever. */
export function isAlive({ pid, startTicks }: ProcessId): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== "Z" && stat.state !== "X";
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

const longestPauseMs = 50;
const patienceMs = 30_000;

/** Kills what `find` finds until it finds nothing and what it found is gone. Throws after 30 seconds without success. */
export async function killAll(find: () => readonly ProcessId[]): Promise<void> {
  const seen = new Map<string, ProcessId>();
  let waitedMs = 0;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    for (const process of find()) {
      kill(process.pid);
      seen.set(`${process.pid} ${process.startTicks}`, process);
    }
    // A dying process has no argv or environment any more, so `find` alone would call it gone too early.
    const left = [...seen.values()].filter(isAlive);
    if (left.length === 0 && find().length === 0) return;
    if (waitedMs > patienceMs) throw new Error(`Processes survive SIGKILL: ${left.map(({ pid }) => pid).join(", ")}.`);
    await delay(pauseMs);
    waitedMs += pauseMs;
  }
}
