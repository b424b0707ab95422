/**
 * What one sandbox sees of a volume: its state when it was mounted or last reloaded, and its own writes, which the
 * others see once they are committed. Where two wrote one file, the last commit stands (Modal's reference of
 * `modal.Volume`).
 */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

export interface View {
  /** What is mounted. */
  readonly directory: string;
  /** Brings its own writes to the volume. */
  commit(): void;
  /** Brings what others committed to it. */
  reload(): void;
}

/** Path → what changes when a file is written. */
type Listing = ReadonlyMap<string, string>;

const isDirectory = (stamp: string): boolean => stamp.startsWith("directory");

function walk(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, encoding: "utf8" });
  } catch (error) {
    const isGone = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (!isGone) throw error;
    // A directory below it went away under the walk; or it did itself, with its volume.
    return existsSync(directory) ? walk(directory) : [];
  }
}

function list(directory: string): Listing {
  const paths = walk(directory);
  const stamps = paths.flatMap((path): [string, string][] => {
    const found = lstatSync(join(directory, path), { throwIfNoEntry: false });
    if (found === undefined) return [];
    const { mtimeMs, size, mode, uid } = found;
    return [[path, found.isDirectory() ? `directory ${mode} ${uid}` : `${mtimeMs} ${size} ${mode} ${uid}`]];
  });
  return new Map(stamps);
}

function likewise(from: string, to: string): void {
  const like = lstatSync(from, { throwIfNoEntry: false });
  if (like === undefined) return;
  mkdirSync(to, { recursive: true });
  chmodSync(to, like.mode);
  // Elsewhere there is one user only.
  if (process.getuid?.() === 0) chownSync(to, like.uid, like.gid);
}

/** So many names fit on a command line. */
const atOnce = 200;

/** Makes `to` what `from` became of `before`: what did not change between the two is left as it is. */
function carry(from: string, to: string, before: Listing): Listing {
  const now = list(from);
  const changed = [...now].filter(([path, stamp]) => before.get(path) !== stamp);
  for (const [path] of before) if (!now.has(path)) rmSync(join(to, path), { recursive: true, force: true });
  for (const [path, stamp] of changed) if (isDirectory(stamp)) likewise(join(from, path), join(to, path));
  const files = changed.flatMap(([path, stamp]) => (isDirectory(stamp) ? [] : [path]));
  for (let n = 0; n < files.length; n += atOnce) {
    // A file may be gone again by now; the next commit then tells so.
    spawnSync("cp", ["-a", "--parents", "-t", to, "--", ...files.slice(n, n + atOnce)], { cwd: from });
  }
  return now;
}

export function openView(volume: string, directory: string): View {
  mkdirSync(volume, { recursive: true });
  mkdirSync(directory, { recursive: true });
  spawnSync("cp", ["-a", `${volume}/.`, directory]);
  let seen = list(directory);
  return {
    directory,
    commit() {
      seen = carry(directory, volume, seen);
    },
    reload() {
      carry(directory, volume, seen);
      carry(volume, directory, list(directory));
      seen = list(directory);
    },
  };
}
