/**
 * The programs that a sandbox is built from, by absolute path: they start with an empty environment, and so without
 * a PATH, because a jail's first process shows its environment inside.
 */
import { Refusal } from "../../core/refusal.ts";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

const directories = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin", "/run/current-system/sw/bin"];

const packages = {
  bwrap: "bubblewrap",
  timeout: "coreutils",
  setpriv: "util-linux",
  prlimit: "util-linux",
  grep: "grep",
} as const;

export type Program = keyof typeof packages;

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Undefined where it is not installed. */
export const findProgram = (program: Program): string | undefined =>
  directories.map((directory) => join(directory, program)).find(isProgram);

/** Throws a `Refusal` that says how to get what is missing. */
export function programPath(program: Program): string {
  const found = findProgram(program);
  if (found !== undefined) return found;
  const other = program === "bwrap" ? ', or set isolation = "none" to run tasks without any isolation' : "";
  throw new Refusal(`The local sandboxes need ${program}: apt-get install ${packages[program]}${other}.`);
}

export const shell = "/bin/sh";
