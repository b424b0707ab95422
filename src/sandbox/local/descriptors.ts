/**
 * A child of Node.js inherits what this process itself inherited from whoever started it: a pipe of a shell or of a
 * process manager would lead out of the jail. Each such descriptor is covered with `/dev/null`.
 */
import { readdirSync, readFileSync } from "node:fs";

const closeOnExec = 0o2000000;

function isInherited(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch (error) {
    // The directory's own descriptor was listed and is closed by now.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/** `stdio` for `spawn`: `wanted` from descriptor 0 on, then what has to be covered with the open `/dev/null`. */
export function onlyThese<Wanted>(wanted: readonly Wanted[], devNull: number): (Wanted | "ignore" | number)[] {
  const leaking = readdirSync("/proc/self/fd").map(Number).filter(isInherited);
  const length = Math.max(wanted.length - 1, ...leaking) + 1;
  return Array.from({ length }, (_, n) => wanted[n] ?? (leaking.includes(n) ? devNull : "ignore"));
}
