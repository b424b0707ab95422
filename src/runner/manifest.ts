/**
 * What the work changed: the files on disk against the commit's listing that was kept from before the work began.
 * Files are compared by size and hash here, not by git, so no attribute, filter or index of the agent's has a say.
 */
import { createHash } from "node:crypto";
import { setImmediate as breathe } from "node:timers/promises";
import { bounds, type AttemptResult, type FileMode } from "../core/protocol.ts";
import { openTree, readUpTo, type Sight, type Tree } from "./files.ts";
import { openParts, type Parts } from "./parts.ts";
import { openListing, shown, type Where } from "./untracked.ts";
import type { Base } from "./workspace.ts";

type Collected = Pick<AttemptResult, "parts" | "changedFiles" | "left">;

const leftSentences = 50;
const chunkBytes = 64 * 1024;

/** A pointer of Git LFS is text of at most 1,024 bytes that begins so (its specification); an empty file stands for itself. */
const pointerStart = "version https://git-lfs.github.com/spec/v1\n";
const pointerBytes = 1024;
const isPointer = (content: Buffer): boolean =>
  content.length === 0 || (content.length < pointerBytes && content.toString("latin1").startsWith(pointerStart));

type Entry = { mode: string; id: string; bytes: number };

/**
 * A path that some system would take for a `.git` directory or a way out: GitHub and every clone refuse it
 * (letter case, NTFS short names, trailing dots and streams, characters that HFS+ ignores).
 */
export function isForbidden(path: string): boolean {
  return Buffer.from(path, "latin1")
    .toString("utf8")
    .split(/[/\\]/)
    .some((part) => {
      const plain = part.replaceAll(/[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g, "").toLowerCase();
      return /^(\.git|git~\d+)[. ]*(:.*)?$/.test(plain) || /^\.\.?$/.test(part);
    });
}

function hashOf(id: string, bytes: number) {
  return createHash(id.length === 64 ? "sha256" : "sha1").update(`blob ${bytes}\0`);
}

/** Reads the file from its start; the descriptor is used up by it. */
function isSameFile({ bytes, mode, descriptor }: Sight & { kind: "file" }, base: Entry): boolean {
  if (bytes !== base.bytes || mode !== base.mode) return false;
  const hash = hashOf(base.id, bytes);
  let piece: Buffer;
  do {
    piece = readUpTo(descriptor, chunkBytes);
    hash.update(piece);
  } while (piece.length > 0);
  return hash.digest("hex") === base.id;
}

function isSame(sight: Sight, base: Entry): boolean {
  if (sight.kind === "file") return isSameFile(sight, base);
  if (sight.kind !== "link" || base.mode !== "120000") return false;
  return hashOf(base.id, sight.target.length).update(sight.target).digest("hex") === base.id;
}

/** Carries changes as long as the bounds allow, and names in `left` what it leaves. */
function openCarrier(tree: Tree, parts: Parts, { lfs, left }: { lfs: ReadonlySet<string>; left: string[] }) {
  let changedFiles = 0;
  let bytes = 0;

  const carry = async (path: string, size: number, send: () => Promise<void>): Promise<void> => {
    const fits = changedFiles < bounds.changedFiles && size <= bounds.fileBytes && bytes + size <= bounds.resultBytes;
    const most = `${bounds.changedFiles} files, ${bounds.fileBytes} bytes each, ${bounds.resultBytes} together`;
    if (isForbidden(path)) left.push(`${shown(path)} has a name that no clone would accept.`);
    else if (!fits) left.push(`${shown(path)} (${size} bytes) is more than a result holds: ${most}.`);
    else {
      changedFiles += 1;
      bytes += size;
      await send();
    }
  };

  const put = (path: string, mode: FileMode, content: Buffer): Promise<void> =>
    carry(path, content.length, () => parts.put(path, mode, content));

  const putFile = async (path: string, { descriptor, bytes, mode }: Sight & { kind: "file" }): Promise<void> => {
    // Read only once it is known to fit.
    if (!lfs.has(path)) return carry(path, bytes, () => parts.put(path, mode, readUpTo(descriptor, bytes)));
    const start = readUpTo(descriptor, pointerBytes);
    // Committed as it is, it would break every checkout that has LFS; and nothing here may upload it.
    if (isPointer(start)) return put(path, mode, start);
    left.push(`${shown(path)} (${bytes} bytes) belongs to Git LFS: only a pointer may be committed.`);
  };

  return {
    get changedFiles(): number {
      return changedFiles;
    },
    remove: (path: string): Promise<void> => carry(path, 0, () => parts.remove(path)),
    submodule: (path: string, id: string): Promise<void> => put(path, "160000", Buffer.from(id)),
    /** Looks at the path once more, and carries it where it is a file or a link. */
    async put(path: string): Promise<void> {
      const sight = tree.look(path);
      if (sight.kind === "odd") left.push(`${shown(path)} ${sight.because}.`);
      if (sight.kind === "link") await put(path, "120000", sight.target);
      if (sight.kind === "file") await putFile(path, sight);
    },
  };
}

type Found = { gone: string[]; changed: string[]; submodules: string[]; repositories: string[] };

/** What became of the commit's own files. A submodule that holds a repository is judged by its head, later. */
async function compare(tree: Tree, base: Base): Promise<Found> {
  const found: Found = { gone: [], changed: [], submodules: [], repositories: [] };
  let seen = 0;
  for (const [path, entry] of base) {
    // Heartbeats must go on.
    if ((seen += 1) % 64 === 0) await breathe();
    const sight = tree.look(path);
    if (sight.kind === "directory" && entry.mode === "160000") {
      found.submodules.push(path);
      if (tree.look(`${path}/.git`).kind !== "absent") found.repositories.push(path);
    } else if (sight.kind === "absent" || sight.kind === "directory") found.gone.push(path);
    else if (!isSame(sight, entry)) found.changed.push(path);
  }
  return found;
}

/**
 * Sends the parts by `put`. Rejects where `put` does, where the workspace is no directory, and with `GitFailed` where
 * git could not tell what is there.
 */
export async function collect(
  where: Where,
  base: Base,
  put: (n: number, part: string) => Promise<void>,
): Promise<Collected> {
  const tree = openTree(where.workspace, where.user.uid);
  const parts = openParts(put);
  const left: string[] = [];
  try {
    const { gone, changed, submodules, repositories } = await compare(tree, base);
    const listing = await openListing(where, left);
    const untracked = await listing.untracked(repositories);
    const added = untracked.files.filter((path) => !base.has(path.replace(/\/$/, "")));
    const lfs = await listing.lfs([...changed, ...added]);
    const carrier = openCarrier(tree, parts, { lfs, left });
    for (const path of gone) await carrier.remove(path);
    for (const path of changed) await carrier.put(path);
    for (const path of repositories) {
      const head = untracked.heads.get(path);
      if (head !== undefined && head !== base.get(path)?.id) await carrier.submodule(path, head);
    }
    for (const path of added) {
      if (path.endsWith("/")) left.push(`${shown(path)} is a repository of its own.`);
      // A commit cannot hold a submodule and a path below its place.
      else if (submodules.some((above) => path.startsWith(`${above}/`)))
        left.push(`${shown(path)} is inside a submodule.`);
      else await carrier.put(path);
    }
    await parts.send();
    const more = left.splice(leftSentences).length;
    if (more > 0) left.push(`${more} more paths were left out.`);
    return { parts: parts.sent, changedFiles: carrier.changedFiles, left };
  } finally {
    tree.close();
  }
}
