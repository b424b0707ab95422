/** Differences between two commits in the shape that commits, comparisons and pull requests list them. */
import { git } from "./git.ts";
import { limits } from "./limits.ts";

export type ChangedFile = {
  readonly sha: string;
  readonly filename: string;
  readonly previous_filename?: string;
  readonly status: "added" | "removed" | "modified" | "renamed" | "changed";
  readonly additions: number;
  readonly deletions: number;
  readonly changes: number;
  readonly patch?: string;
};

const statuses: Readonly<Record<string, ChangedFile["status"]>> = {
  A: "added",
  D: "removed",
  M: "modified",
  R: "renamed",
  T: "changed",
};
/** Git's own name of an empty tree, to compare a first commit with. */
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** At most 300, as on GitHub's first page. `from` undefined compares with nothing. */
export async function changedFiles(directory: string, from: string | undefined, to: string): Promise<ChangedFile[]> {
  const range = ["-M", from ?? emptyTree, to];
  const raw = (await git(directory, ["diff-tree", "-r", "--raw", "-z", "--no-abbrev", ...range]))
    .toString()
    .split("\0");
  const files: ChangedFile[] = [];
  for (let at = 0; at + 1 < raw.length && files.length < limits.filesACommit;) {
    const [, , , sha = "", letter = ""] = (raw[at] ?? "").split(" ");
    const isRename = letter.startsWith("R");
    const before = raw[at + 1] ?? "";
    const filename = isRename ? (raw[at + 2] ?? "") : before;
    at += isRename ? 3 : 2;
    const paths = isRename ? [before, filename] : [filename];
    const lines = await patchOf(directory, range, paths);
    files.push({
      sha,
      filename,
      ...(isRename && { previous_filename: before }),
      status: statuses[letter.slice(0, 1)] ?? "changed",
      ...lines,
      changes: lines.additions + lines.deletions,
    });
  }
  return files;
}

async function patchOf(
  directory: string,
  range: readonly string[],
  paths: readonly string[],
): Promise<Pick<ChangedFile, "additions" | "deletions" | "patch">> {
  const literal = paths.map((path) => `:(literal)${path}`);
  const text = (await git(directory, ["diff-tree", "-p", "--no-ext-diff", ...range, "--", ...literal])).toString();
  const start = text.search(/^@@ /m);
  if (start < 0) return { additions: 0, deletions: 0 };
  const patch = text.slice(start).trimEnd();
  const lines = patch.split("\n");
  return {
    additions: lines.filter((line) => line.startsWith("+")).length,
    deletions: lines.filter((line) => line.startsWith("-")).length,
    patch,
  };
}
