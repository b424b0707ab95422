/**
 * The workflow files of a result, which an app without the permission `workflows` may not commit, as a patch for a person
 * to apply. Only whole files are in it: half of one would be refused by `git apply`.
 */
import { byteLength } from "../../core/markdown.ts";
import type { FileMode } from "../../core/protocol.ts";
import type { Changes } from "../../core/changes.ts";
import type { Sha } from "../../core/ids.ts";
import { isWorkflow } from "../../core/paths.ts";
import { failureOf, isNo } from "../failure.ts";
import { patchOf, type Side } from "./patch.ts";
import type { Hand } from "./tree-commit.ts";

export type WorkflowPatch = {
  /** What `git apply` takes on the base; empty where nothing fits. */
  readonly text: string;
  /** Paths that are not in it, as there is no room. */
  readonly left: readonly string[];
  /** GitHub's words where it did not give the files as they were, so that there is no patch. */
  readonly refused?: string;
};

/** The patch is shown in one comment. */
const patchBytes = 30_000;
/** Each costs a call or two. */
const mostFiles = 50;
/** No workflow that GitHub runs is as long. */
const mostFileBytes = 1_000_000;
type Entry = { readonly sha: string; readonly mode: string; readonly size?: number | undefined };

export async function workflowPatch(hand: Hand, base: Sha, changes: Changes): Promise<WorkflowPatch> {
  const files = [
    ...changes.puts.map(({ path, mode, content }) => ({ path, after: { mode, content } })),
    ...changes.deletes.map((path) => ({ path, after: undefined })),
  ].filter(({ path }) => isWorkflow(path));
  const left = files.slice(mostFiles).map(({ path }) => path);
  let text = "";
  try {
    const before = await filesAt(hand, base);
    for (const { path, after } of files.slice(0, mostFiles)) {
      const old = (after?.content.length ?? 0) > mostFileBytes ? "too large" : await before(path);
      const patch = old === "too large" ? undefined : patchOf({ path, before: old, after });
      if (patch === undefined || byteLength(text) + byteLength(patch) > patchBytes) left.push(path);
      else text += patch;
    }
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    return { text: "", left: [], refused: failure.message };
  }
  return { text, left };
}

const modes: readonly FileMode[] = ["100644", "100755", "120000", "160000"];

/** Reads files as they were at a commit; undefined where there is none. Folder by folder: the whole tree may be too large to list. */
async function filesAt({ octokit, repo }: Hand, commit: Sha) {
  const { data } = await octokit.rest.git.getCommit({ ...repo, commit_sha: commit });
  const listed = new Map<string, ReadonlyMap<string, Entry>>();
  const list = async (tree: string): Promise<ReadonlyMap<string, Entry>> => {
    const known = listed.get(tree);
    if (known !== undefined) return known;
    const { data: found } = await octokit.rest.git.getTree({ ...repo, tree_sha: tree });
    const byName = new Map(found.tree.map((entry) => [entry.path, entry]));
    listed.set(tree, byName);
    return byName;
  };
  return async (path: string): Promise<Side | "too large" | undefined> => {
    let entry: Entry | undefined = { sha: data.tree.sha, mode: "040000" };
    for (const name of path.split("/"))
      entry = entry?.mode === "040000" ? (await list(entry.sha)).get(name) : undefined;
    const mode = modes.find((each) => each === entry?.mode);
    if (entry === undefined || mode === undefined) return undefined;
    if (mode === "160000") return { mode, content: Buffer.from(entry.sha, "latin1") };
    if ((entry.size ?? 0) > mostFileBytes) return "too large";
    const blob = await octokit.rest.git.getBlob({ ...repo, file_sha: entry.sha });
    return { mode, content: Buffer.from(blob.data.content, "base64") };
  };
}
