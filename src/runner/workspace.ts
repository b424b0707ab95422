/**
 * Brings the commit into the workspace and remembers its listing. The listing is taken before the agent runs and is
 * kept in memory: later the files on disk are compared with it, so that nothing the agent does to `.git` matters.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Job } from "../core/protocol.ts";
import { git, GitFailed, listed, mustGit, settings, type GitAnswer, type GitOptions } from "./git.ts";
import { backoffMs, type Timing } from "./timing.ts";
import { give, type User } from "./user.ts";

/** Path → what the commit has there. Paths are bytes, held one to a character (latin1). */
export type Base = Map<string, { mode: string; id: string; bytes: number }>;

export type Ground = {
  workspace: string;
  home: string;
  /** A directory of the runner's own. */
  scratch: string;
  env: NodeJS.ProcessEnv;
  /** Whose the workspace and the home are. */
  user: User;
  /** The bridge's address, where git fetches when the job has no clone address. */
  bridge: string;
  /** How git calls our credential helper: a line for a shell. */
  helper: string;
};

/** A new token may be unknown to some of GitHub's machines for a while. */
const tokenSettlesMs = 30_000;

/** Files are carried as they are: no filter, line ending or encoding of the repository's choice is applied. */
const attributes = "* -text -eol -ident -filter -working-tree-encoding\n";

const everythingDepth = 2 ** 31 - 1;

/** The bridge alone: git takes `localhost` in this list for every name that ends so, and `github.localhost` is outside. */
const unproxied = { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };

async function fetchCommit(
  url: string,
  source: Job["source"],
  helper: string,
  options: GitOptions,
): Promise<GitAnswer> {
  const run = (depth: number, what: string): Promise<GitAnswer> =>
    git(
      [
        ...settings(
          "protocol.allow=never",
          "protocol.https.allow=always",
          `protocol.http.allow=${url.startsWith("http:") ? "always" : "never"}`,
          // The empty one first: it forgets those of the machine's own configuration.
          "credential.helper=",
          `credential.helper=${helper}`,
          "http.followRedirects=false",
          "http.lowSpeedLimit=1",
          "http.lowSpeedTime=60",
        ),
        "fetch",
        "--quiet",
        `--depth=${depth}`,
        "--no-tags",
        "--no-recurse-submodules",
        url,
        what,
      ],
      options,
    );
  const direct = await run(1, source.sha);
  if (direct.ok) return direct;
  // Some servers give a commit only as part of a ref. Where the ref does not contain it, the checkout says so.
  const whole = await run(everythingDepth, source.ref);
  return whole.ok ? whole : direct;
}

function parseListing(listing: GitAnswer): Base {
  return new Map(
    listed(listing).map((line) => {
      const tab = line.indexOf("\t");
      const [mode = "", , id = "", bytes = ""] = line.slice(0, tab).split(/ +/);
      return [line.slice(tab + 1), { mode, id, bytes: Number(bytes) || 0 }];
    }),
  );
}

/** A program and its arguments as git's setting for a credential helper, which goes through a shell. */
export const helperLine = (argv: string[]): string =>
  `!${argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")}`;

const quoted = (value: string): string => `"${value.replaceAll(/["\\]/g, "\\$&")}"`;

/** What lets the agent's own git reach the repository, with a token that can only read. */
export function agentGitConfig({ workspace, helper }: Ground, url: string): string {
  return [
    `[user]\n\tname = parhelia\n\temail = parhelia@localhost.invalid`,
    `[safe]\n\tdirectory = ${quoted(workspace)}`,
    `[credential ${quoted(new URL(url).origin)}]\n\thelper =\n\thelper = ${quoted(helper)}`,
    "",
  ].join("\n");
}

function writeFor(user: User, path: string, text: string): void {
  writeFileSync(path, text);
  give(path, user);
}

/** Rejects with `GitFailed`. `phase` is told of each part as it begins. */
export async function prepare(
  ground: Ground,
  source: Job["source"],
  { timing, stop, phase }: { timing: Timing; stop: AbortSignal; phase: (phase: "fetch" | "checkout") => void },
): Promise<Base> {
  const { workspace, user } = ground;
  const url = source.url ?? `${ground.bridge}/git`;
  const options = { cwd: workspace, env: { ...ground.env, ...unproxied }, user, signal: stop };
  const must = (...args: string[]): Promise<GitAnswer> => mustGit(args, options);

  phase("fetch");
  const format = source.sha.length === 64 ? "sha256" : "sha1";
  await must("init", "--quiet", "--template=", `--object-format=${format}`);
  const info = join(workspace, ".git/info");
  mkdirSync(info);
  give(info, user);
  writeFor(user, join(info, "attributes"), attributes);
  await must("remote", "add", "origin", url);
  const startedAt = timing.now();
  for (let failures = 1; ; failures += 1) {
    const fetched = await fetchCommit(url, source, ground.helper, options);
    if (fetched.ok) break;
    if (stop.aborted || timing.now() - startedAt >= tokenSettlesMs)
      throw new GitFailed(`The commit could not be fetched: ${fetched.stderr}`);
    await timing.sleep(backoffMs(failures), stop);
  }

  phase("checkout");
  await must("checkout", "--quiet", "--detach", source.sha);
  const base = parseListing(await must("ls-tree", "-r", "-l", "-z", "--full-tree", source.sha));
  const config = join(ground.home, ".gitconfig");
  if (!existsSync(config)) writeFor(user, config, agentGitConfig(ground, url));
  return base;
}
