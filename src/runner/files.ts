/**
 * Looks at files below a directory that hostile code has written, without ever following a link out of it. Each part
 * of a path is opened by its parent's descriptor (Node has no openat), so a parent that is a link is no parent.
 * Paths are bytes, held one to a character (latin1).
 */
import { closeSync, constants, existsSync, fstatSync, openSync, readlinkSync, readSync } from "node:fs";
import type { FileMode } from "../core/protocol.ts";

export type Sight =
  | { kind: "file"; descriptor: number; bytes: number; mode: FileMode }
  | { kind: "link"; target: Buffer }
  | { kind: "directory" | "absent" }
  /** Something that no commit can hold, or that we may not read. */
  | { kind: "odd"; because: string };

export type Tree = ReturnType<typeof openTree>;

const { O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants;
const byDescriptor = existsSync("/proc/self/fd");

const codeOf = (cause: unknown): string => (cause instanceof Error && "code" in cause ? String(cause.code) : "");

/** `absent` also where a parent is no directory. */
const absentCodes = /^(ENOENT|ENOTDIR|ELOOP)$/;

/** With an `owner`, files of others are odd: whoever reads them here may read more than the work, which could link to them. */
export function openTree(root: string, owner?: number) {
  type Place = { descriptor: number; path: string };
  const top: Place = { descriptor: openSync(root, O_DIRECTORY | O_NOFOLLOW), path: "" };
  /** From the top down. */
  const open: Place[] = [];

  // Where there is no /proc (macOS) the path is opened as it is; a jail is never without it.
  const address = ({ descriptor, path }: Place, name: string): Buffer =>
    byDescriptor
      ? Buffer.from(`/proc/self/fd/${descriptor}/${name}`, "latin1")
      : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path + name, "latin1")]);

  /** Descriptors of a path's parents stay open until a path elsewhere is asked for, what was looked at last until the next look. */
  const parentOf = (path: string): Place => {
    let at = open.at(-1) ?? top;
    while (!path.startsWith(at.path)) {
      closeSync(at.descriptor);
      open.pop();
      at = open.at(-1) ?? top;
    }
    for (let slash = path.indexOf("/", at.path.length); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      const name = path.slice(at.path.length, slash);
      at = { descriptor: openSync(address(at, name), O_DIRECTORY | O_NOFOLLOW), path: path.slice(0, slash + 1) };
      open.push(at);
    }
    return at;
  };

  const lookAt = (path: string): Sight => {
    const parent = parentOf(path);
    const where = address(parent, path.slice(parent.path.length));
    let descriptor: number;
    try {
      descriptor = openSync(where, O_NOFOLLOW | O_NONBLOCK);
    } catch (cause) {
      if (codeOf(cause) === "ELOOP") return { kind: "link", target: readlinkSync(where, "buffer") };
      throw cause;
    }
    // No path begins so.
    open.push({ descriptor, path: `${path}\0` });
    const stat = fstatSync(descriptor);
    if (stat.uid !== (owner ?? stat.uid)) return { kind: "odd", because: "belongs to another user" };
    if (stat.isFile())
      return { kind: "file", descriptor, bytes: stat.size, mode: (stat.mode & 0o100) === 0 ? "100644" : "100755" };
    return stat.isDirectory() ? { kind: "directory" } : { kind: "odd", because: "is no regular file" };
  };

  return {
    /** The descriptor of a `file` is open until the next look. */
    look(path: string): Sight {
      try {
        return lookAt(path);
      } catch (cause) {
        if (absentCodes.test(codeOf(cause))) return { kind: "absent" };
        return { kind: "odd", because: `cannot be read (${codeOf(cause)})` };
      }
    },
    close(): void {
      for (const { descriptor } of [top, ...open]) closeSync(descriptor);
    },
  };
}

/** The next bytes: fewer only where the file ends. */
export function readUpTo(descriptor: number, bytes: number): Buffer {
  const into = Buffer.alloc(bytes);
  let filled = 0;
  for (let got = 1; got > 0 && filled < bytes; filled += got) {
    got = readSync(descriptor, into, filled, bytes - filled, null);
  }
  return into.subarray(0, filled);
}
