/** Git over HTTP: git's own server program behind the same tokens and permissions as the API. */
import { spawn } from "node:child_process";
import { branchMoved } from "./branches.ts";
import { gitEnvironment, refsBelow } from "./git.ts";
import type { Caller, Repository } from "./state.ts";
import { allows, covers, findRepository, type World } from "./world.ts";

const plain = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(text, { status, headers: { "content-type": "text/plain", ...headers } });

/** Undefined where the caller may; GitHub tells strangers nothing of what is private. */
function refusal(caller: Caller, repository: Repository | undefined, wish: "fetch" | "push"): Response | undefined {
  const ask = { "www-authenticate": 'Basic realm="GitHub"' };
  if (caller.kind !== "token") {
    // git asks its credential helper only after a 401.
    const mayFetch = caller.kind === "anonymous" && repository?.private === false && wish === "fetch";
    return mayFetch ? undefined : plain(401, "Repository not found.", ask);
  }
  const { token } = caller;
  const isCovered =
    repository !== undefined &&
    covers(token.installation, repository) &&
    (token.repositories === "all" || token.repositories.has(repository.id));
  if (!isCovered && (repository === undefined || repository.private)) return plain(404, "Repository not found.");
  if (wish === "fetch")
    return !isCovered || allows(token.permissions, "contents", "read")
      ? undefined
      : plain(403, "Write access to repository not granted.");
  const mayPush = isCovered && allows(token.permissions, "contents", "write");
  return mayPush ? undefined : plain(403, "Write access to repository not granted.");
}

/** `/<owner>/<name>.git/…`; answers as GitHub's git servers do. */
export async function gitDoor(world: World, caller: Caller, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const [, owner = "", name = "", rest = ""] = /^\/([^/]+)\/([^/]+)\.git(\/.*)$/.exec(url.pathname) ?? [];
  const isPush = rest === "/git-receive-pack" || url.searchParams.get("service") === "git-receive-pack";
  const repository = findRepository(world, `${owner}/${name}`);
  const refused = refusal(caller, repository, isPush ? "push" : "fetch");
  if (refused !== undefined) return refused;
  if (repository === undefined) return plain(404, "Repository not found.");
  const before = isPush ? await refsBelow(repository.directory, "refs/heads/") : undefined;
  const response = await backend(repository, rest, request);
  if (before !== undefined && request.method === "POST") await announcePush(world, repository, before);
  return response;
}

async function announcePush(world: World, repository: Repository, before: ReadonlyMap<string, string>): Promise<void> {
  const after = await refsBelow(repository.directory, "refs/heads/");
  for (const ref of new Set([...before.keys(), ...after.keys()])) {
    const [from, to] = [before.get(ref), after.get(ref)];
    if (from === to) continue;
    await branchMoved(world, repository, world.app.bot, { branch: ref.replace("refs/heads/", ""), from, to });
  }
}

async function backend(repository: Repository, rest: string, request: Request): Promise<Response> {
  const header = (name: string): string => request.headers.get(name) ?? "";
  const body = Buffer.from(await request.arrayBuffer());
  const child = spawn("git", ["http-backend"], {
    env: {
      ...gitEnvironment,
      GIT_PROJECT_ROOT: repository.directory,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_PROTOCOL: header("git-protocol"),
      PATH_INFO: rest,
      QUERY_STRING: new URL(request.url).search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header("content-type"),
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      // Makes the program accept pushes; who may push was decided above.
      REMOTE_USER: "stand-in",
    },
  });
  const out: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.resume();
  // The program may answer before it has read everything.
  child.stdin.on("error", () => undefined);
  child.stdin.end(body);
  await new Promise((resolve, reject) => child.on("close", resolve).on("error", reject));
  return parseCgi(Buffer.concat(out));
}

function parseCgi(out: Buffer): Response {
  const end = out.indexOf("\r\n\r\n");
  const headers = new Headers();
  let status = 200;
  for (const line of out.subarray(0, end).toString().split("\r\n")) {
    const [name, value] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()];
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else if (name !== "") headers.set(name, value);
  }
  return new Response(new Uint8Array(out.subarray(end + 4)), { status, headers });
}
