/**
 * Ends what the work left running outside its process group (`setsid`, daemons): found by the mark in its environment,
 * because it changes files while they are read. A process that cleared its environment is missed; the sandbox's end takes it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Killing takes a moment, and what is killed may just have started another. */
const rounds = 20;

function isMarked(pid: string, mark: string): boolean {
  try {
    return `\0${readFileSync(`/proc/${pid}/environ`, "latin1")}`.includes(`\0${mark}\0`);
  } catch {
    // It has ended, or it is another user's; a zombie reads as empty.
    return false;
  }
}

/** A process or, with a negative number, a group. */
export function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch (cause) {
    // ESRCH: it has ended. EPERM: what is left of a group is another user's (a set-uid program).
    if (!/ESRCH|EPERM/.test(String(cause))) throw cause;
  }
}

/** `mark` is `NAME=value`. `pause` is awaited between the looks. Without /proc (macOS) it finds nothing. */
export async function endMarked(mark: string, pause: () => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds && existsSync("/proc"); round += 1) {
    const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isMarked(name, mark));
    if (found.length === 0) return;
    for (const pid of found) signal(Number(pid), "SIGKILL");
    await pause();
  }
}
