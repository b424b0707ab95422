/** Files of a repository as tests write them down and read them back. */
import { git } from "./git.ts";
import { flatten, listTree, treeWith, writeBlob, writeCommit, type Signature, type TreeChange } from "./trees.ts";

/** A text is a plain file; null removes the path. */
export type FileInput =
  | string
  | Uint8Array
  | null
  | { readonly executable: string }
  | { readonly symlink: string }
  | { readonly submodule: string };
export type Files = Readonly<Record<string, FileInput>>;

/** What stands at a path. `text` is the link's aim or the submodule's commit where it is no file. */
export type ReadFile = { readonly mode: string; readonly text: string };

async function changeFor(directory: string, path: string, input: FileInput): Promise<TreeChange> {
  if (input === null) return { path, sha: null };
  if (typeof input === "string" || input instanceof Uint8Array)
    return { path, mode: "100644", sha: await writeBlob(directory, bytes(input)) };
  if ("executable" in input) return { path, mode: "100755", sha: await writeBlob(directory, input.executable) };
  if ("symlink" in input) return { path, mode: "120000", sha: await writeBlob(directory, input.symlink) };
  return { path, mode: "160000", sha: input.submodule };
}

const bytes = (input: string | Uint8Array): Buffer =>
  typeof input === "string" ? Buffer.from(input) : Buffer.from(input);

/** A commit on top of `parent` with these changes; no ref moves. Throws where git cannot make the tree. */
export async function commitFiles(
  directory: string,
  made: {
    readonly parent: string | undefined;
    readonly files: Files;
    readonly by: Signature;
    readonly message: string;
  },
): Promise<string> {
  const { parent, files, by, message } = made;
  const changes = await Promise.all(Object.entries(files).map(([path, input]) => changeFor(directory, path, input)));
  const base = parent === undefined ? [] : await listTree(directory, parent, "recursive");
  const built = await treeWith(directory, parent, await flatten(directory, base, changes));
  if ("wrong" in built) throw new Error(built.wrong);
  const parents = parent === undefined ? [] : [parent];
  return writeCommit(directory, { tree: built.tree, parents, author: by, committer: by, message });
}

/** All files at a commit, by path. */
export async function readFiles(directory: string, commit: string): Promise<Record<string, ReadFile>> {
  const entries = (await listTree(directory, commit, "recursive")).filter((entry) => entry.type !== "tree");
  const read = await Promise.all(
    entries.map(async ({ mode, type, sha, path }): Promise<[string, ReadFile]> => {
      const text = type === "blob" ? (await git(directory, ["cat-file", "blob", sha])).toString() : sha;
      return [path, { mode, text }];
    }),
  );
  return Object.fromEntries(read);
}
