/**
 * Ends what the work left running outside its process group (`setsid`, daemons): found by the mark in its environment,
 * because it changes files while they are read. A process that cleared its environment is found where the work has a user of
 * its own, and else missed; the sandbox's end takes it.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";

/** Killing takes a moment, and what is killed may just have started another. */
const rounds = 20;

function isLeft(pid: string, mark: string, uid: number | undefined): boolean {
  try {
    if (statSync(`/proc/${pid}`).uid === uid) return true;
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

/** `mark` is `NAME=value`, `uid` a user of the work's alone. `pause` is awaited between the looks. Without /proc (macOS) it finds nothing. */
export async function endLeft(mark: string, uid: number | undefined, pause: () => Promise<void>): Promise<void> {
  for (let round = 0; round < rounds && existsSync("/proc"); round += 1) {
    const found = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isLeft(name, mark, uid));
    if (found.length === 0) return;
    for (const pid of found) signal(Number(pid), "SIGKILL");
    await pause();
  }
}
