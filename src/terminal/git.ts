/** Git on the person's own repository: plumbing alone, so that no hook, no setting and no checked-out file takes part. */
import { spawn } from "node:child_process";
import { Refusal } from "../core/refusal.ts";

export interface GitCall {
  readonly directory: string;
  readonly args: readonly string[];
  readonly input?: Uint8Array | undefined;
  readonly env?: Readonly<Record<string, string>>;
}

/** Where Debian and others keep git. Nothing else of an environment decides what git reads or runs. */
const searched = "/usr/local/bin:/usr/bin:/bin";
const calm = [
  "-c",
  "safe.directory=*",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "core.fsmonitor=false",
  "-c",
  "gc.auto=0",
];

/** Standard output as bytes. Throws with git's own last words. */
export async function git(call: GitCall): Promise<Buffer> {
  const child = spawn("git", [...calm, "-C", call.directory, ...call.args], {
    env: { PATH: searched, GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_NOSYSTEM: "1", ...call.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  // Git may end without reading all; its exit code tells.
  child.stdin.on("error", () => undefined);
  child.stdin.end(call.input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code === 0) return Buffer.concat(output);
  const words = Buffer.concat(errors).toString("utf8").trim().split("\n").at(-1) ?? "";
  throw new GitError(`git ${call.args[0] ?? ""}: ${words}`);
}

export class GitError extends Error {
  override readonly name = "GitError";
}

export const gitText = async (call: GitCall): Promise<string> => (await git(call)).toString("utf8").trim();

/** The git directory that a folder belongs to. Throws a `Refusal` where it is in none. */
export async function repositoryAt(directory: string): Promise<string> {
  try {
    return await gitText({ directory, args: ["rev-parse", "--absolute-git-dir"] });
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new Refusal(`${directory} is in no git repository. Give one with --repo, or make one with \`git init\`.`);
  }
}
