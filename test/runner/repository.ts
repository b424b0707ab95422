/** Real git repositories for the runner to fetch, and a host that asks for a password before it serves one. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import * as http from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { answerGit, readRequest, repositoryPassword } from "../world/gateway-stand-in.ts";

export type Repository = { directory: string; sha: string; [Symbol.dispose](): void };

const environment = {
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "dana",
  GIT_AUTHOR_EMAIL: "dana@example.com",
  GIT_COMMITTER_NAME: "dana",
  GIT_COMMITTER_EMAIL: "dana@example.com",
};

export const gitIn = (cwd: string, ...args: string[]): string =>
  execFileSync("git", ["-c", "protocol.file.allow=always", ...args], {
    cwd,
    env: environment,
    encoding: "utf8",
  }).trim();

export type FileSpec = string | { link: string } | { executable: string } | { submodule: string };

/** Paths are bytes, one to a character. */
const bytePath = (directory: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(path, "latin1")]);

/** A repository with one commit of these files. */
export function makeRepository(files: Record<string, FileSpec>): Repository {
  const directory = mkdtempSync(join(tmpdir(), "repository-"));
  gitIn(directory, "init", "--quiet", "--initial-branch=main");
  const submodules: string[] = [];
  for (const [path, spec] of Object.entries(files)) {
    mkdirSync(join(directory, dirname(path)), { recursive: true });
    if (typeof spec === "string") writeFileSync(bytePath(directory, path), spec);
    else if ("link" in spec) symlinkSync(spec.link, bytePath(directory, path));
    else if ("executable" in spec) writeFileSync(bytePath(directory, path), spec.executable, { mode: 0o755 });
    else submodules.push(`160000,${spec.submodule},${path}`);
  }
  gitIn(directory, "add", "--all", "--force", ".");
  for (const each of submodules) gitIn(directory, "update-index", "--add", "--cacheinfo", each);
  gitIn(directory, "commit", "--quiet", "--allow-empty", "--message=base");
  return {
    directory,
    sha: gitIn(directory, "rev-parse", "HEAD"),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Serves the repository as a host does: 401 until the right password comes, and for the first `refusals` that bring it. */
export async function openGitHost(repository: Repository, refusals: number) {
  let refused = 0;
  const expected = `Basic ${Buffer.from(`x-access-token:${repositoryPassword}`).toString("base64")}`;
  const handle = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const asked = await readRequest(request);
    const knows = asked.headers.authorization === expected;
    if (knows && refused >= refusals) {
      const { pathname } = new URL(asked.path, "http://host");
      return answerGit(repository.directory, asked, pathname.replace("/acme/widgets.git", ""), response);
    }
    if (knows) refused += 1;
    response.writeHead(401, { "www-authenticate": 'Basic realm="host"' }).end();
    return undefined;
  };
  const server = http.createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${address instanceof Object ? address.port : 0}/acme/widgets.git`,
    refusedTimes: () => refused,
    [Symbol.dispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}
