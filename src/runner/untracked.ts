/**
 * What is on disk beside the commit's files. Git decides what is ignored, in a repository made for this one question:
 * the workspace's own `.git` and its configuration are never read.
 */
import { join } from "node:path";
import { git, type GitAnswer } from "./git.ts";

export type Untracked = {
  /** Every file that is not ignored, the commit's own among them; a nested repository as `name/`. */
  files: string[];
  /** Submodule path → the commit it stands at now. */
  heads: Map<string, string>;
  left: string[];
};

/** `scratch` is a directory of the runner's own. */
export type Where = { workspace: string; scratch: string; env: NodeJS.ProcessEnv };

/** Also ends a git that a file of the agent's, opened as an ignore file, would hold for ever. */
const patienceMs = 120_000;

const names = ({ stdout }: GitAnswer): string[] => stdout.toString("latin1").split("\0").slice(0, -1);

/** A path for a sentence: readable, on one line, bounded. */
export const shown = (path: string): string =>
  JSON.stringify(Buffer.from(path, "latin1").toString("utf8").slice(0, 100));

export type Lfs = { paths: ReadonlySet<string>; left: string[] };

/** Which of these paths the attributes on disk give to Git LFS. No filter runs. */
export async function listLfs({ workspace, scratch, env }: Where, paths: readonly string[]): Promise<Lfs> {
  const answer = await git(["check-attr", "-z", "--stdin", "filter"], {
    cwd: workspace,
    env,
    git: { GIT_DIR: join(scratch, "git"), GIT_WORK_TREE: workspace },
    timeoutMs: patienceMs,
    input: Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1"),
  });
  const fields = names(answer);
  const found = fields.filter((_, index) => index % 3 === 0 && fields[index + 2] === "lfs");
  return {
    paths: new Set(found),
    left: answer.ok ? [] : [`Which files belong to Git LFS could not be read: ${answer.stderr}`],
  };
}

/** `submodules` are the paths of those whose directory holds a repository. */
export async function listUntracked({ workspace, scratch, env }: Where, submodules: string[]): Promise<Untracked> {
  const directory = join(scratch, "git");
  const run = (args: string[], input = ""): Promise<GitAnswer> =>
    git(args, {
      cwd: workspace,
      env,
      git: { GIT_DIR: directory, GIT_WORK_TREE: workspace },
      timeoutMs: patienceMs,
      input: Buffer.from(input, "latin1"),
    });
  await git(["init", "--quiet", "--bare", "--template=", directory], { cwd: scratch, env });
  const files = await run(["ls-files", "-z", "-o", "--exclude-standard"]);
  // Also where it lists the rest: a directory that it may not open.
  const left = files.stderr === "" ? [] : [`Not all new files could be listed: ${files.stderr}`];
  const added = await run(["update-index", "--add", "-z", "--stdin"], submodules.map((path) => `${path}\0`).join(""));
  if (!added.ok) left.push(`Not all commits of submodules could be read: ${added.stderr}`);
  const staged = names(await run(["ls-files", "-z", "-s"]));
  const heads = staged.map((line): [string, string] => [line.slice(line.indexOf("\t") + 1), line.split(" ")[1] ?? ""]);
  return { files: names(files), heads: new Map(heads), left };
}
