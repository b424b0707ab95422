/** Runs git with nothing but what we say: no system or global configuration, no hooks, no prompt, no file monitor. */
import { spawn } from "node:child_process";
import { buffer } from "node:stream/consumers";
import { only } from "./json.ts";
import type { User } from "./user.ts";

export type GitAnswer = { ok: boolean; stdout: Buffer; stderr: string };

export type GitOptions = {
  cwd: string;
  /** The environment beside what is set here; its own `GIT_…` are left out. */
  env: NodeJS.ProcessEnv;
  user: User;
  git?: Record<string, string>;
  input?: Buffer;
  signal?: AbortSignal;
  timeoutMs?: number;
};

/** As options of git's, before its command. */
export const settings = (...all: string[]): string[] => all.flatMap((setting) => ["-c", setting]);

const configuration = settings(
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.excludesFile=/dev/null",
  "core.attributesFile=/dev/null",
  "core.fileMode=true",
  // The workspace may have been made by another user than the one we run as.
  "safe.directory=*",
  "advice.detachedHead=false",
);

const environment = {
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_ATTR_NOSYSTEM: "1",
  GIT_NO_REPLACE_OBJECTS: "1",
  GIT_TERMINAL_PROMPT: "0",
  LC_ALL: "C",
};

/** The service takes no longer sentence than 1,000 characters, and there are words before it. */
const shownCharacters = 900;

/** Text of git that may go into an event: one line, bounded, without what could be a credential. */
export const withoutSecrets = (text: string): string =>
  text
    .replaceAll(/\b(gh[a-z]_|github_pat_)[\w.-]+/g, "[removed]")
    .trim()
    .split("\n")
    .slice(-3)
    .join(" ")
    .slice(0, shownCharacters);

/** What git lists with `-z`: bytes, held one to a character (latin1). */
export const listed = ({ stdout }: GitAnswer): string[] => stdout.toString("latin1").split("\0").slice(0, -1);

/** Never rejects: a git that could not be started, or took too long, is an answer that is not ok. */
export async function git(args: string[], options: GitOptions): Promise<GitAnswer> {
  const inherited = only(options.env, (name) => !name.startsWith("GIT_") || name === "GIT_SSL_CAINFO");
  const child = spawn("git", [...configuration, ...args], {
    cwd: options.cwd,
    env: { ...inherited, ...environment, ...options.git },
    ...options.user,
    killSignal: "SIGKILL",
    signal: options.signal,
    timeout: options.timeoutMs,
  });
  const ended = new Promise<string | undefined>((resolve) => {
    child.on("error", (cause) => resolve(`git could not be run: ${cause.message}`));
    child.on("close", (code, signal) => resolve(code === 0 ? undefined : `git ended with ${code ?? signal}`));
  });
  // Git may end without reading its input; its exit tells what became of it.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input);
  const [stdout, stderr, failure] = await Promise.all([buffer(child.stdout), buffer(child.stderr), ended]);
  const said = withoutSecrets(stderr.toString());
  return { ok: failure === undefined, stdout, stderr: said || (failure ?? "") };
}

/** The message is one sentence for a result, without its full stop. */
export class GitFailed extends Error {}

/** Rejects with `GitFailed` where the answer is not ok. */
export async function mustGit(args: string[], options: GitOptions): Promise<GitAnswer> {
  const answer = await git(args, options);
  if (!answer.ok) throw new GitFailed(`git ${args[0]} failed: ${answer.stderr}`);
  return answer;
}
