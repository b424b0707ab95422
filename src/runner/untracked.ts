/**
 * What is on disk beside the commit's files. Git decides what is ignored, in a repository made for this one question:
 * the workspace's own `.git` and its configuration are never read.
 */
import { join } from "node:path";
import { git, listed, mustGit, type GitOptions } from "./git.ts";
import type { User } from "./user.ts";

type Untracked = {
  /** Every file that is not ignored, the commit's own among them; a nested repository as `name/`. */
  files: string[];
  /** Submodule path → the commit it stands at now. */
  heads: Map<string, string>;
};

/** `scratch` is a directory of the runner's own, in which `user`, whom git runs as, may write. */
export type Where = { workspace: string; scratch: string; env: NodeJS.ProcessEnv; user: User };

/** Also ends a git that a file of the agent's, opened as an ignore file, would hold for ever. */
const patienceMs = 120_000;

/** A path for a sentence: readable, on one line, bounded. */
export const shown = (path: string): string =>
  JSON.stringify(Buffer.from(path, "latin1").toString("utf8").slice(0, 100));

/**
 * Everything here rejects with `GitFailed` where git does: then files would be missing that nobody could name, or be
 * taken for others. What can be named goes to `left`, one sentence each.
 */
export async function openListing({ workspace, scratch, env, user }: Where, left: string[]) {
  const repository = { GIT_DIR: join(scratch, "git"), GIT_WORK_TREE: workspace };
  const about = (paths: readonly string[] = []): GitOptions => ({
    cwd: workspace,
    env,
    user,
    git: repository,
    timeoutMs: patienceMs,
    input: Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1"),
  });
  await mustGit(["init", "--quiet", "--template="], about());
  return {
    /** `submodules` are the paths of those whose directory holds a repository. */
    async untracked(submodules: string[]): Promise<Untracked> {
      const files = await mustGit(["ls-files", "-z", "-o", "--exclude-standard"], about());
      // It lists the rest all the same: a directory that it may not open.
      if (files.stderr !== "") left.push(`Not all new files could be listed: ${files.stderr}`);
      // One by one, because it ends at the first that has no commit.
      for (const path of submodules) {
        const added = await git(["update-index", "--add", "-z", "--stdin"], about([path]));
        if (!added.ok) left.push(`${shown(path)} has no commit that could be read: ${added.stderr}`);
      }
      const heads = listed(await mustGit(["ls-files", "-z", "-s"], about())).map((line): [string, string] => [
        line.slice(line.indexOf("\t") + 1),
        line.split(" ")[1] ?? "",
      ]);
      return { files: listed(files), heads: new Map(heads) };
    },
    /** Which of these paths the attributes on disk give to Git LFS. No filter runs. */
    async lfs(paths: readonly string[]): Promise<ReadonlySet<string>> {
      const fields = listed(await mustGit(["check-attr", "-z", "--stdin", "filter"], about(paths)));
      return new Set(fields.filter((_, index) => index % 3 === 0 && fields[index + 2] === "lfs"));
    },
  };
}
