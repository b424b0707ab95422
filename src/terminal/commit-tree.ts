/** A commit from a base and changed files, made in an index of its own: the person's index and work tree stay as they are. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Changes } from "../core/changes.ts";
import type { Instant } from "../core/instant.ts";
import { git, gitText } from "./git.ts";

export interface CommitAsk {
  readonly base: string;
  readonly changes: Changes;
  readonly message: string;
  /** Date of the commit, so that the same ask makes the same commit. */
  readonly at: Instant;
}

export async function commitTree(directory: string, { base, changes, message, at }: CommitAsk): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), "parhelia-index-"));
  try {
    const env = { GIT_INDEX_FILE: join(scratch, "index") };
    await git({ directory, args: ["read-tree", base], env });
    const gone = Buffer.concat(changes.deletes.map((path) => entry(`0 ${"0".repeat(base.length)}`, path)));
    await git({ directory, args: ["update-index", "-z", "--index-info"], env, input: gone });
    const put: Buffer[] = [];
    for (const { path, mode, content } of changes.puts) {
      const sha =
        mode === "160000"
          ? content.toString("latin1")
          : await gitText({ directory, args: ["hash-object", "-w", "--stdin", "--no-filters"], input: content });
      put.push(entry(`${mode} ${sha}`, path));
    }
    await git({ directory, args: ["update-index", "-z", "--index-info"], env, input: Buffer.concat(put) });
    const tree = await gitText({ directory, args: ["write-tree"], env });
    const date = `${Math.trunc(at / 1000)} +0000`;
    const who = { name: "Parhelia", email: "parhelia@localhost" };
    return await gitText({
      directory,
      args: ["commit-tree", tree, "-p", base, "-F", "-"],
      input: Buffer.from(message),
      env: {
        GIT_AUTHOR_NAME: who.name,
        GIT_AUTHOR_EMAIL: who.email,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_NAME: who.name,
        GIT_COMMITTER_EMAIL: who.email,
        GIT_COMMITTER_DATE: date,
      },
    });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const entry = (head: string, path: string): Buffer => Buffer.from(`${head}\t${path}\0`);
