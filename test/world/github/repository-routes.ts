/** A repository, who may do what in it, its branches, commits, files and comparisons, over REST. */
import { Hono } from "hono";
import { reach, reads } from "./access.ts";
import { ApiError, json, notFound, nothing, paged, part, type Api, type Context } from "./answer.ts";
import { readCommit } from "./branches.ts";
import { changedFiles } from "./changed-files.ts";
import { changedFileShape, commitListShape, pullShape } from "./code-shapes.ts";
import { commitOf, gitText, readObject, refAt, refsBelow, tryGit } from "./git.ts";
import { headNamed } from "./pulls.ts";
import { repositoryShape, repositoryUrl, userShape } from "./shapes.ts";
import { fullName, roleIn, type Repository } from "./state.ts";
import { entryAt, listTree, type TreeEntry } from "./trees.ts";
import type { World } from "./world.ts";

const path = "/repos/:owner/:repo";
const lines = (text: string): string[] => (text === "" ? [] : text.split("\n"));

function permission(world: World, context: Context): Response {
  const repository = reach(world, context, reads("metadata"));
  const login = part(context, "login");
  const account = world.accounts.get(login.toLowerCase());
  // Bots are no users here, and neither is a name that nobody bears.
  if (account === undefined || account.type !== "User") throw new ApiError(404, `${login} is not a user`);
  const { name, folded } = roleIn(repository, account);
  const can = (...roles: string[]): boolean => roles.includes(folded);
  const permissions = {
    admin: can("admin"),
    maintain: can("admin") || name === "maintain",
    push: can("admin", "write"),
    triage: can("admin", "write") || name === "triage",
    pull: can("admin", "write", "read"),
  };
  const user = { ...userShape(world, account), permissions, role_name: name };
  return json({ permission: folded, user, role_name: name });
}

/** The commit that a route's part names. Throws 404, or 422 for something that looks like an id. */
async function named(repository: Repository, ref: string): Promise<string> {
  const sha = await commitOf(repository.directory, ref);
  if (sha !== undefined) return sha;
  if (/^[0-9a-f]{7,40}$/.test(ref)) throw new ApiError(422, `No commit found for SHA: ${ref}`);
  throw notFound();
}

function branchRoutes(world: World, routes: Api): void {
  const shape = (repository: Repository, name: string, sha: string) => ({
    name,
    commit: { sha, url: `${repositoryUrl(world, repository)}/commits/${sha}` },
    protected: repository.protections.has(name),
  });
  routes.get(`${path}/branches`, async (c) => {
    const repository = reach(world, c, reads("contents"));
    const found = [...(await refsBelow(repository.directory, "refs/heads/"))];
    return paged(c, found, ([ref, sha]) => shape(repository, ref.replace("refs/heads/", ""), sha));
  });
  routes.get(`${path}/branches/:branch{.+}`, async (c) => {
    const repository = reach(world, c, reads("contents"));
    const name = part(c, "branch");
    const sha = await refAt(repository.directory, `refs/heads/${name}`);
    if (sha === undefined) throw new ApiError(404, "Branch not found");
    const commit = commitListShape(world, repository, await readCommit(repository, sha));
    const self = `${repositoryUrl(world, repository)}/branches/${name}`;
    return json({
      ...shape(repository, name, sha),
      commit,
      _links: { self, html: `${world.publicUrl}/${fullName(repository)}/tree/${name}` },
      protection: { enabled: repository.protections.has(name) },
      protection_url: `${self}/protection`,
    });
  });
}

async function oneCommit(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, reads("contents"));
  const sha = await named(repository, part(context, "ref"));
  if (context.req.header("accept")?.includes("sha") === true) return new Response(sha);
  const commit = await readCommit(repository, sha);
  const files = await changedFiles(repository.directory, commit.parents[0], sha);
  const shown = files.map((file) => changedFileShape(world, repository, sha, file));
  return json({ ...commitListShape(world, repository, commit), files: shown, stats: sum(files) });
}

const sum = (files: readonly { readonly additions: number; readonly deletions: number }[]) => {
  const additions = files.reduce((all, each) => all + each.additions, 0);
  const deletions = files.reduce((all, each) => all + each.deletions, 0);
  return { additions, deletions, total: additions + deletions };
};

async function listCommits(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, reads("contents"));
  const from = await named(repository, context.req.query("sha") ?? repository.defaultBranch);
  const only = context.req.query("path");
  const args = ["rev-list", "--max-count=1000", from, ...(only === undefined ? [] : ["--", only])];
  const shas = lines(await gitText(repository.directory, args));
  const commits = await Promise.all(shas.map((sha) => readCommit(repository, sha)));
  return paged(context, commits, (each) => commitListShape(world, repository, each));
}

/** `base...head`, where head may be `owner:branch` of a fork. */
async function compare(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, reads("contents"));
  const [base = "", head = ""] = part(context, "basehead").split("...");
  const baseSha = await named(repository, base);
  const other = head.includes(":") ? headNamed(world, repository, head) : { repository, branch: head };
  const headSha = await named(other.repository, other.branch);
  if (other.repository !== repository)
    await tryGit(repository.directory, ["fetch", "--quiet", other.repository.directory, headSha]);
  const count = await gitText(repository.directory, ["rev-list", "--left-right", "--count", `${baseSha}...${headSha}`]);
  const [behind = 0, ahead = 0] = count.split("\t").map(Number);
  const fork = (await tryGit(repository.directory, ["merge-base", baseSha, headSha])).stdout.toString().trim();
  if (fork === "") throw new ApiError(404, `No common ancestor between ${base} and ${head}.`);
  const shas = lines(await gitText(repository.directory, ["rev-list", "--reverse", headSha, `^${baseSha}`]));
  const commits = await Promise.all(shas.map((sha) => readCommit(repository, sha)));
  const status = ahead > 0 ? (behind > 0 ? "diverged" : "ahead") : behind > 0 ? "behind" : "identical";
  const page = `${world.publicUrl}/${fullName(repository)}/compare/${base}...${head}`;
  const files = await changedFiles(repository.directory, fork, headSha);
  const shown = async (sha: string) => commitListShape(world, repository, await readCommit(repository, sha));
  return json({
    url: `${repositoryUrl(world, repository)}/compare/${base}...${head}`,
    html_url: page,
    permalink_url: `${world.publicUrl}/${fullName(repository)}/compare/${baseSha}...${headSha}`,
    diff_url: `${page}.diff`,
    patch_url: `${page}.patch`,
    status,
    ahead_by: ahead,
    behind_by: behind,
    total_commits: ahead,
    base_commit: await shown(baseSha),
    merge_base_commit: await shown(fork),
    commits: commits.map((each) => commitListShape(world, repository, each)),
    files: files.map((file) => changedFileShape(world, repository, headSha, file)),
  });
}

function contentShape(
  world: World,
  repository: Repository,
  ref: string,
  { path: at, type, sha, size, mode }: TreeEntry,
) {
  const url = `${repositoryUrl(world, repository)}/contents/${encodeURI(at)}?ref=${ref}`;
  const page = `${world.publicUrl}/${fullName(repository)}`;
  const gitUrl = `${repositoryUrl(world, repository)}/git/${type}s/${sha}`;
  const pageUrl = `${page}/${type}/${ref}/${encodeURI(at)}`;
  return {
    type: mode === "120000" ? "symlink" : type === "tree" ? "dir" : type === "commit" ? "submodule" : "file",
    name: at.split("/").at(-1) ?? at,
    path: at,
    sha,
    size: size ?? 0,
    url,
    git_url: gitUrl,
    html_url: pageUrl,
    download_url: type === "blob" ? `${page}/raw/${ref}/${encodeURI(at)}` : null,
    _links: { self: url, git: gitUrl, html: pageUrl },
  };
}

async function contents(world: World, context: Context, wanted: string): Promise<Response> {
  const repository = reach(world, context, reads("contents"));
  const ref = context.req.query("ref") ?? repository.defaultBranch;
  const commit = await commitOf(repository.directory, ref);
  if (commit === undefined) throw new ApiError(404, `No commit found for the ref ${ref}`);
  const shape = (entry: TreeEntry) => contentShape(world, repository, ref, entry);
  const clean = wanted.replace(/^\/+|\/+$/g, "");
  const entry = clean === "" ? undefined : await entryAt(repository.directory, commit, clean);
  if (entry === undefined && clean !== "") throw notFound();
  if (entry === undefined || entry.type === "tree") {
    const inside = await listTree(repository.directory, entry?.sha ?? commit, "flat");
    const prefix = clean === "" ? "" : `${clean}/`;
    return json(inside.map((each) => shape({ ...each, path: `${prefix}${each.path}` })));
  }
  const blob = await readObject(repository.directory, entry.sha);
  const bytes = blob?.content ?? Buffer.alloc(0);
  if (context.req.header("accept")?.includes("raw") === true) return new Response(new Uint8Array(bytes));
  return json({ ...shape(entry), encoding: "base64", content: bytes.toString("base64") });
}

export function repositoryRoutes(world: World): Api {
  const routes: Api = new Hono();
  routes.get(path, (c) =>
    json({ ...repositoryShape(world, reach(world, c, reads("metadata"))), network_count: 0, subscribers_count: 0 }),
  );
  routes.get(`${path}/collaborators/:login/permission`, (c) => permission(world, c));
  routes.get(`${path}/collaborators/:login`, (c) => {
    const repository = reach(world, c, reads("metadata"));
    const account = world.accounts.get(part(c, "login").toLowerCase());
    const { folded } = account === undefined ? { folded: "none" } : roleIn(repository, account);
    if (folded !== "write" && folded !== "admin") throw notFound();
    return nothing();
  });
  branchRoutes(world, routes);
  routes.get(`${path}/commits`, (c) => listCommits(world, c));
  routes.get(`${path}/commits/:ref{.+}/pulls`, async (c) => {
    const repository = reach(world, c, reads("pull_requests"));
    const sha = await named(repository, part(c, "ref"));
    // Finds nothing for forks, as on GitHub.
    const found = repository.issues.filter(({ pull }) => pull?.head.repository === repository && pull.head.sha === sha);
    return paged(c, found, (each) => each.pull && pullShape(world, each, each.pull));
  });
  routes.get(`${path}/commits/:ref{.+}`, (c) => oneCommit(world, c));
  routes.get(`${path}/compare/:basehead{.+}`, (c) => compare(world, c));
  routes.get(`${path}/contents`, (c) => contents(world, c, ""));
  routes.get(`${path}/contents/:path{.*}`, (c) => contents(world, c, part(c, "path")));
  return routes;
}
