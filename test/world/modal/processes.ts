/** The processes of this machine, as far as the stand-in must find those of one sandbox. */
import { readdirSync, readFileSync } from "node:fs";

const pageBytes = 4096;

/** What ends while it is looked at has nothing to tell any more. */
function unlessGone<Found>(look: () => Found, gone: Found): Found {
  try {
    return look();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return gone;
    throw error;
  }
}

function childrenOf(pid: number): number[] {
  const threads = unlessGone(() => readdirSync(`/proc/${pid}/task`), []);
  const lists = threads.map((id) => unlessGone(() => readFileSync(`/proc/${pid}/task/${id}/children`, "utf8"), ""));
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}

/** The processes and all that descend from them, themselves first. */
export function families(pids: readonly number[]): number[] {
  const found = [...pids];
  for (const pid of found) found.push(...childrenOf(pid));
  return found;
}

export function residentBytes(pids: readonly number[]): number {
  const pages = pids.map((pid) => unlessGone(() => readFileSync(`/proc/${pid}/statm`, "utf8"), "").split(" ")[1]);
  return pages.reduce((sum, count) => sum + Number(count ?? 0) * pageBytes, 0);
}

/** False where it is no more. */
export const send = (pid: number, signal: NodeJS.Signals): boolean =>
  unlessGone(() => process.kill(pid, signal), false);
