/**
 * Git's plumbing, run on the bare repositories. Every call is a process of its own with an environment of its own,
 * so that nobody's configuration or clock leaks into a commit, started by a small one: a fork of a test's own process of
 * hundreds of MB takes longer than what git does.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Done, Order } from "./git-starter.ts";

export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: "/usr/local/bin:/usr/bin:/bin",
  HOME: "/nonexistent",
  LC_ALL: "C.UTF-8",
  TZ: "UTC",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  // A container may own the folder as another user than the one who runs the tests.
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "safe.directory",
  GIT_CONFIG_VALUE_0: "*",
};

export type GitRun = { readonly code: number; readonly stdout: Buffer; readonly stderr: string };
export type GitInput = { readonly input?: string | Buffer; readonly env?: Readonly<Record<string, string>> };

interface Waiting {
  resolve(run: GitRun): void;
  reject(error: Error): void;
}

/** One for this process, from the first call on. */
let starter: { readonly child: ChildProcess; readonly waiting: Map<number, Waiting> } | undefined;
let orders = 0;

function openStarter() {
  const child = fork(join(import.meta.dirname, "git-starter.ts"), {
    serialization: "advanced",
    // A test runner's own flags are no flags of a plain Node.
    execArgv: [],
    env: { PATH: gitEnvironment["PATH"] },
  });
  const waiting = new Map<number, Waiting>();
  child.on("message", (done: Done) => {
    const asked = waiting.get(done.id);
    waiting.delete(done.id);
    // Nobody waits for it who has no order under way.
    if (waiting.size === 0) child.channel?.unref();
    if ("error" in done) asked?.reject(done.error);
    else asked?.resolve({ ...done, stdout: Buffer.from(done.stdout), stderr: Buffer.from(done.stderr).toString() });
  });
  child.on("exit", () => {
    starter = undefined;
    for (const { reject } of waiting.values()) reject(new Error("what starts git has ended"));
  });
  child.unref();
  return { child, waiting };
}

/** Runs to the end, whatever the exit code. */
export function tryGit(directory: string, args: readonly string[], given: GitInput = {}): Promise<GitRun> {
  const { child, waiting } = (starter ??= openStarter());
  const { promise, resolve, reject } = Promise.withResolvers<GitRun>();
  const env = { ...gitEnvironment, ...given.env };
  const order: Order = { id: (orders += 1), directory, args, env, input: given.input ?? "" };
  waiting.set(order.id, { resolve, reject });
  child.channel?.ref();
  child.send(order, (error) => {
    if (error === null) return;
    waiting.delete(order.id);
    reject(error);
  });
  return promise;
}

/** Output of a git command that has to succeed. */
export async function git(directory: string, args: readonly string[], given: GitInput = {}): Promise<Buffer> {
  const run = await tryGit(directory, args, given);
  if (run.code !== 0) throw new Error(`git ${args.join(" ")} in ${directory}: ${run.stderr.trim()}`);
  return run.stdout;
}

export const gitText = async (directory: string, args: readonly string[], given: GitInput = {}): Promise<string> =>
  (await git(directory, args, given)).toString().trim();

/** An empty bare repository; written by hand, as `git init` takes longer than everything else that a test does. */
export async function makeBare(directory: string, defaultBranch: string): Promise<void> {
  for (const folder of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "hooks"])
    await mkdir(join(directory, folder), { recursive: true });
  await writeFile(join(directory, "HEAD"), `ref: refs/heads/${defaultBranch}\n`);
  const config = [
    "[core]\n\trepositoryformatversion = 0\n\tbare = true",
    "[uploadpack]\n\tallowAnySHA1InWant = true\n\tallowFilter = true",
    "[http]\n\treceivepack = true",
    "[gc]\n\tauto = 0",
    "[receive]\n\tautogc = false\n\thideRefs = refs/pull",
  ];
  await writeFile(join(directory, "config"), `${config.join("\n")}\n`);
}

export type GitObject = { readonly type: string; readonly size: number; readonly content: Buffer };

export async function readObject(directory: string, name: string): Promise<GitObject | undefined> {
  const out = await git(directory, ["cat-file", "--batch"], { input: `${name}\n` });
  const line = out.indexOf(10);
  const [, type, size] = out.subarray(0, line).toString().split(" ");
  if (type === undefined || size === undefined || type === "missing") return undefined;
  return { type, size: Number(size), content: out.subarray(line + 1, line + 1 + Number(size)) };
}

/** The type of each object, undefined where it is not there. */
export async function objectTypes(directory: string, shas: readonly string[]): Promise<(string | undefined)[]> {
  if (shas.length === 0) return [];
  const out = await git(directory, ["cat-file", "--batch-check=%(objecttype)"], { input: `${shas.join("\n")}\n` });
  return out
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => (line.includes(" ") ? undefined : line));
}

export const isSha = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

/** The commit that a branch, a tag, a full ref or a (short) id names. Branches win over ids, as on GitHub. */
export async function commitOf(directory: string, name: string): Promise<string | undefined> {
  for (const candidate of [`refs/heads/${name}`, name, `refs/tags/${name}`]) {
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${candidate}^{commit}`];
    const run = await tryGit(directory, args);
    if (run.code === 0) return run.stdout.toString().trim();
  }
  return undefined;
}

/** What exactly this ref points at. */
export async function refAt(directory: string, ref: string): Promise<string | undefined> {
  const run = await tryGit(directory, ["show-ref", "--verify", "--hash", ref]);
  return run.code === 0 ? run.stdout.toString().trim() : undefined;
}

/** Every ref below a prefix: name → object. */
export async function refsBelow(directory: string, prefix: string): Promise<Map<string, string>> {
  const text = await gitText(directory, ["for-each-ref", "--format=%(refname) %(objectname)", prefix]);
  const pairs = text === "" ? [] : text.split("\n").map((line) => line.split(" "));
  return new Map(pairs.map(([name = "", sha = ""]) => [name, sha]));
}

/** True where going from one commit to the other loses nothing. */
export async function isFastForward(directory: string, from: string, to: string): Promise<boolean> {
  return (await tryGit(directory, ["merge-base", "--is-ancestor", from, to])).code === 0;
}
