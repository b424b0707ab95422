/** Making trees and commits out of the changes that people and the API hand in. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { git, gitText, tryGit } from "./git.ts";

export type TreeChange =
  | { readonly path: string; readonly mode: string; readonly sha: string }
  | { readonly path: string; readonly sha: null };

export type TreeEntry = {
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
  readonly size: number | undefined;
  readonly path: string;
};

let indexes = 0;

/** The tree that `base` becomes by these changes, or git's own words on what is wrong with them. */
export async function treeWith(
  directory: string,
  base: string | undefined,
  changes: readonly TreeChange[],
): Promise<{ readonly tree: string } | { readonly wrong: string }> {
  indexes += 1;
  const index = join(directory, `index-${indexes}`);
  const env = { GIT_INDEX_FILE: index };
  try {
    await git(directory, base === undefined ? ["read-tree", "--empty"] : ["read-tree", base], { env });
    const lines = changes.map((change) =>
      change.sha === null ? `0 ${"0".repeat(40)}\t${change.path}\0` : `${change.mode} ${change.sha}\t${change.path}\0`,
    );
    const args = ["update-index", "--add", "--replace", "-z", "--index-info"];
    const updated = await tryGit(directory, args, { input: lines.join(""), env });
    if (updated.code !== 0) return { wrong: updated.stderr.trim() };
    const written = await tryGit(directory, ["write-tree"], { env });
    return written.code === 0 ? { tree: written.stdout.toString().trim() } : { wrong: written.stderr.trim() };
  } finally {
    await rm(index, { force: true });
  }
}

/** Changes to whole folders (mode 040000, or the removal of one) as changes to their files. */
export async function flatten(
  directory: string,
  base: readonly TreeEntry[],
  changes: readonly TreeChange[],
): Promise<TreeChange[]> {
  const flat: TreeChange[] = [];
  for (const change of changes) {
    const inside = base.filter((entry) => entry.type !== "tree" && entry.path.startsWith(`${change.path}/`));
    const isFolder = change.sha !== null && change.mode === "040000";
    if (isFolder || (change.sha === null && inside.length > 0))
      flat.push(...inside.map((entry) => ({ path: entry.path, sha: null })));
    else flat.push(change);
    if (!isFolder) continue;
    const placed = await listTree(directory, change.sha, "recursive");
    for (const { mode, sha, path, type } of placed)
      if (type !== "tree") flat.push({ mode, sha, path: `${change.path}/${path}` });
  }
  return flat;
}

export async function listTree(directory: string, tree: string, how: "recursive" | "flat"): Promise<TreeEntry[]> {
  const args = ["ls-tree", "-z", "--long", ...(how === "recursive" ? ["-r", "-t"] : []), tree];
  const text = (await git(directory, args)).toString();
  return text
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const [meta, path] = [line.slice(0, line.indexOf("\t")), line.slice(line.indexOf("\t") + 1)];
      const [mode = "", type = "", sha = "", size = "-"] = meta.split(/ +/);
      return { mode, type, sha, size: size === "-" ? undefined : Number(size), path };
    });
}

/** The entry at a path, undefined where there is none. */
export async function entryAt(directory: string, tree: string, path: string): Promise<TreeEntry | undefined> {
  const run = await tryGit(directory, ["ls-tree", "-z", "--long", "--full-tree", tree, "--", `:(literal)${path}`]);
  const line = run.code === 0 ? run.stdout.toString().replace(/\0$/, "") : "";
  const [mode, type, sha, size = "-"] = line.slice(0, line.indexOf("\t")).split(/ +/);
  if (mode === undefined || type === undefined || sha === undefined) return undefined;
  return { mode, type, sha, size: size === "-" ? undefined : Number(size), path };
}

export type Signature = { readonly name: string; readonly email: string; readonly atMs: number };
export type NewCommit = {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
};

/** Written by hand rather than by `commit-tree`, which would add a line break to the message. */
export async function writeCommit(directory: string, commit: NewCommit): Promise<string> {
  const by = ({ name, email, atMs }: Signature): string => `${name} <${email}> ${Math.floor(atMs / 1000)} +0000`;
  const lines = [
    `tree ${commit.tree}`,
    ...commit.parents.map((parent) => `parent ${parent}`),
    `author ${by(commit.author)}`,
    `committer ${by(commit.committer)}`,
    "",
    commit.message,
  ];
  return gitText(directory, ["hash-object", "-t", "commit", "-w", "--stdin"], { input: lines.join("\n") });
}

export const writeBlob = (directory: string, content: string | Buffer): Promise<string> =>
  gitText(directory, ["hash-object", "-w", "--stdin"], { input: content });

export type ReadCommit = NewCommit & { readonly sha: string };

/** A commit taken apart from its own text. */
export function parseCommit(sha: string, text: string): ReadCommit {
  const end = text.indexOf("\n\n");
  const headers = text.slice(0, end).split("\n");
  const all = (name: string): string[] =>
    headers.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const signature = (name: string): Signature => {
    const [, who = "", email = "", seconds = "0"] = /^(.*?) ?<(.*)> (\d+)/.exec(all(name)[0] ?? "") ?? [];
    return { name: who, email, atMs: Number(seconds) * 1000 };
  };
  return {
    sha,
    tree: all("tree")[0] ?? "",
    parents: all("parent"),
    author: signature("author"),
    committer: signature("committer"),
    message: text.slice(end + 2),
  };
}
