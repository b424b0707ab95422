/**
 * A commit made piece by piece (blobs, trees, commit): the way for executable files, links, submodules and large results.
 * No author is named, so that GitHub signs it as the app's where it does.
 */
import type { Octokit } from "@octokit/rest";
import { Sha } from "../../core/ids.ts";
import { hasPlaceSwap, type Changes, type Put } from "../../core/changes.ts";
import { orRefusal } from "../failure.ts";
import type { Writer } from "../writer.ts";

export type Repo = { readonly owner: string; readonly repo: string };
export type Hand = { readonly octokit: Octokit; readonly writer: Writer; readonly repo: Repo };
export type Made = { readonly sha: Sha; readonly isVerified: boolean };

/** Trees above some 200 entries or 2.5 MB draw 422 and 502, so they are built in steps. */
const entriesPerTree = 100;
const inlineBytesPerTree = 1_000_000;
const inlineFileBytes = 64 * 1024;

type TreeEntry = {
  readonly path: string;
  readonly mode: "100644" | "100755" | "120000" | "160000";
  readonly type: "blob" | "commit";
} & ({ readonly sha: string | null } | { readonly content: string });

/** Makes the commit; no branch moves. Throws a `Refusal` with GitHub's words where it will not have it. */
export async function commitTree(
  hand: Hand,
  on: { parent: Sha; tree: string },
  changes: Changes,
  message: string,
): Promise<Made> {
  const { octokit, writer, repo } = hand;
  let tree = on.tree;
  for (const step of await steps(hand, changes)) {
    const call = writer.send(() => octokit.rest.git.createTree({ ...repo, base_tree: tree, tree: step }));
    tree = (await orRefusal("The changed files could not be committed", call)).data.sha;
  }
  const commit = writer.send(() => octokit.rest.git.createCommit({ ...repo, message, tree, parents: [on.parent] }));
  const { data } = await orRefusal("The commit could not be made", commit);
  return { sha: Sha.parse(data.sha), isVerified: data.verification.verified };
}

async function steps(hand: Hand, changes: Changes): Promise<TreeEntry[][]> {
  const deletes = changes.deletes.map((path): TreeEntry => ({ path, mode: "100644", type: "blob", sha: null }));
  const puts: TreeEntry[] = [];
  for (const put of changes.puts) puts.push(await entryFor(hand, put));
  return hasPlaceSwap(changes) ? [...chunks(deletes), ...chunks(puts)] : chunks([...deletes, ...puts]);
}

async function entryFor({ octokit, writer, repo }: Hand, { path, mode, content }: Put): Promise<TreeEntry> {
  if (mode === "160000") return { path, mode, type: "commit", sha: content.toString("latin1") };
  const text = content.length <= inlineFileBytes ? content.toString("utf8") : undefined;
  // Inline content is text only: a byte that is none, or a NUL, would arrive as something else.
  if (text !== undefined && !text.includes("\0") && Buffer.from(text, "utf8").equals(content))
    return { path, mode, type: "blob", content: text };
  const blob = writer.send(() =>
    octokit.rest.git.createBlob({ ...repo, content: content.toString("base64"), encoding: "base64" }),
  );
  const { data } = await orRefusal(`${path} could not be stored`, blob);
  return { path, mode, type: "blob", sha: data.sha };
}

function chunks(entries: readonly TreeEntry[]): TreeEntry[][] {
  const made: TreeEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = "content" in entry ? entry.content.length : 0;
    const last = made.at(-1);
    if (last === undefined || last.length >= entriesPerTree || bytes + size > inlineBytesPerTree) {
      made.push([entry]);
      bytes = size;
    } else {
      last.push(entry);
      bytes += size;
    }
  }
  return made;
}
