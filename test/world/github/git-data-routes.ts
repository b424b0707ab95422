/** Blobs, trees, commits and refs over REST. */
import { Hono } from "hono";
import { z } from "zod";
import { actor, needToken, reach, reads, writes } from "./access.ts";
import {
  ApiError,
  inaccessible,
  json,
  malformed,
  notFound,
  nothing,
  paged,
  part,
  readBody,
  type Api,
  type Context,
} from "./answer.ts";
import { mayMove, moveBranch, nobody, readCommit, signatureOf, webFlow } from "./branches.ts";
import { gitCommitShape, refShape } from "./code-shapes.ts";
import { isFastForward, isSha, objectTypes, readObject, refAt, refsBelow, tryGit } from "./git.ts";
import { limits } from "./limits.ts";
import { repositoryUrl } from "./shapes.ts";
import type { Repository } from "./state.ts";
import {
  flatten,
  listTree,
  treeWith,
  writeBlob,
  writeCommit,
  type Signature,
  type TreeChange,
  type TreeEntry,
} from "./trees.ts";
import { allows, type World } from "./world.ts";

const Blob = z.object({ content: z.string(), encoding: z.enum(["utf-8", "base64"]).default("utf-8") });
const Entry = z.object({
  path: z.string().min(1),
  mode: z.enum(["100644", "100755", "040000", "160000", "120000"]),
  type: z.enum(["blob", "tree", "commit"]).optional(),
  sha: z.string().nullish(),
  content: z.string().optional(),
});
const Tree = z.object({ base_tree: z.string().optional(), tree: z.array(Entry).min(1) });
const By = z.object({ name: z.string(), email: z.string(), date: z.iso.datetime({ offset: true }).optional() });
const Commit = z.object({
  message: z.string(),
  tree: z.string(),
  parents: z.array(z.string()).default([]),
  author: By.optional(),
  committer: By.optional(),
});
const NewRef = z.object({ ref: z.string(), sha: z.string() });
const RefEdit = z.object({ sha: z.string(), force: z.boolean().default(false) });

async function isOf(repository: Repository, sha: string, type: string): Promise<boolean> {
  return isSha(sha) && (await objectTypes(repository.directory, [sha]))[0] === type;
}

async function createBlob(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, writes("contents"));
  const { content, encoding } = await readBody(context, Blob);
  const bytes = Buffer.from(content, encoding === "base64" ? "base64" : "utf8");
  if (bytes.length > limits.blobBytes) throw new ApiError(422, "Sorry, your blob is too large");
  const sha = await writeBlob(repository.directory, bytes);
  return json({ sha, url: `${repositoryUrl(world, repository)}/git/blobs/${sha}` }, 201);
}

/** Throws 422 for an object that is not there and for the removal of a path that is not there. */
async function treeChange(
  repository: Repository,
  base: readonly TreeEntry[],
  entry: z.output<typeof Entry>,
): Promise<TreeChange> {
  const { path, mode, sha, content } = entry;
  if (/(^|\/)(\.git|\.\.?|)(\/|$)/i.test(path))
    throw new ApiError(422, "tree.path contains a malformed path component");
  if (sha === null) {
    if (!base.some((each) => each.path === path)) throw new ApiError(422, "GitRPC::BadObjectState");
    return { path, sha: null };
  }
  if (sha !== undefined && content !== undefined) throw malformed("Only one of sha and content may be given.");
  if (sha === undefined) return { path, mode, sha: await writeBlob(repository.directory, content ?? "") };
  const type = mode === "040000" ? "tree" : "blob";
  // A submodule's commit lives in another repository.
  if (mode !== "160000" && !(await isOf(repository, sha, type)))
    throw new ApiError(422, `tree.sha ${sha} is not a valid ${type}`);
  return { path, mode, sha };
}

async function createTree(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, writes("contents"));
  const asked = await readBody(context, Tree);
  if (asked.tree.length > limits.treeEntriesARequest) throw new ApiError(422, "Too many tree entries.");
  if (Buffer.byteLength(JSON.stringify(asked)) > limits.treeRequestBytes) throw new ApiError(502, "Server Error");
  const touchesWorkflows = asked.tree.some(({ path }) => path.startsWith(".github/workflows/"));
  if (touchesWorkflows && !allows(needToken(context).permissions, "workflows", "write")) throw inaccessible();
  const base = asked.base_tree;
  if (base !== undefined && !(await isOf(repository, base, "tree")) && !(await isOf(repository, base, "commit")))
    throw new ApiError(404, "Not Found");
  const listed = base === undefined ? [] : await listTree(repository.directory, base, "recursive");
  const changes = await Promise.all(asked.tree.map((entry) => treeChange(repository, listed, entry)));
  const built = await treeWith(repository.directory, base, await flatten(repository.directory, listed, changes));
  if ("wrong" in built) throw new ApiError(422, `GitRPC::BadObjectState: ${built.wrong}`);
  return json(await treeShape(world, repository, built.tree, "flat"), 201);
}

async function treeShape(world: World, repository: Repository, sha: string, how: "recursive" | "flat") {
  const url = `${repositoryUrl(world, repository)}/git`;
  const entries = await listTree(repository.directory, sha, how);
  const tree = entries.map((entry) => ({ ...entry, url: `${url}/${entry.type}s/${entry.sha}` }));
  return { sha, url: `${url}/trees/${sha}`, tree, truncated: false };
}

async function createCommit(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, writes("contents"));
  const asked = await readBody(context, Commit);
  if (!(await isOf(repository, asked.tree, "tree"))) throw new ApiError(422, "Tree SHA does not exist");
  for (const parent of asked.parents)
    if (!(await isOf(repository, parent, "commit")))
      throw new ApiError(422, "Parent SHA does not exist or is not a commit object");
  const named = (by: z.output<typeof By> | undefined): Signature | undefined =>
    by && { name: by.name, email: by.email, atMs: by.date === undefined ? world.now() : Date.parse(by.date) };
  const isAppsOwn = asked.author === undefined && asked.committer === undefined;
  const isSigned = isAppsOwn && world.options.commitSigning !== "unsigned";
  const author = named(asked.author) ?? signatureOf(world, actor(world, context));
  const sha = await writeCommit(repository.directory, {
    tree: asked.tree,
    parents: asked.parents,
    author,
    committer: named(asked.committer) ?? (isSigned ? webFlow(world) : author),
    message: asked.message,
  });
  // Only an app's commit without a named author is signed.
  if (isSigned) repository.signed.add(sha);
  return json(gitCommitShape(world, repository, await readCommit(repository, sha)), 201);
}

async function createRef(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, writes("contents"));
  const { ref, sha } = await readBody(context, NewRef);
  if (!/^refs\/(heads|tags)\/./.test(ref) || (await tryGit(repository.directory, ["check-ref-format", ref])).code !== 0)
    throw new ApiError(422, `${ref} is not a valid ref name.`);
  if (!(await isOf(repository, sha, "commit"))) throw new ApiError(422, "Object does not exist");
  const exists = new ApiError(422, "Reference already exists");
  if ((await refAt(repository.directory, ref)) !== undefined) throw exists;
  await setRef(world, context, repository, { ref, from: undefined, to: sha }, exists);
  return json(refShape(world, repository, ref, sha), 201);
}

async function updateRef(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, writes("contents"));
  const { sha, force } = await readBody(context, RefEdit);
  const ref = `refs/${part(context, "ref")}`;
  const from = await refAt(repository.directory, ref);
  if (from === undefined) throw new ApiError(422, "Reference does not exist");
  if (!(await isOf(repository, sha, "commit"))) throw new ApiError(422, "Object does not exist");
  const behind = new ApiError(422, "Update is not a fast forward");
  if (!force && !(await isFastForward(repository.directory, from, sha))) throw behind;
  if (from !== sha) await setRef(world, context, repository, { ref, from, to: sha }, behind);
  return json(refShape(world, repository, ref, sha));
}

type RefMove = { readonly ref: string; readonly from: string | undefined; readonly to: string };

async function setRef(
  world: World,
  context: Context,
  repository: Repository,
  move: RefMove,
  lost: ApiError,
): Promise<void> {
  const branch = /^refs\/heads\/(.+)$/.exec(move.ref)?.[1];
  if (branch === undefined) {
    const args = ["update-ref", move.ref, move.to, move.from ?? nobody];
    if ((await tryGit(repository.directory, args)).code !== 0) throw lost;
    return;
  }
  await mayMove(repository, needToken(context).permissions, branch, move.to);
  if (!(await moveBranch(world, repository, actor(world, context), { branch, from: move.from, to: move.to })))
    throw lost;
}

async function deleteRef(world: World, context: Context): Promise<Response> {
  const repository = reach(world, context, writes("contents"));
  const ref = `refs/${part(context, "ref")}`;
  const from = await refAt(repository.directory, ref);
  if (from === undefined) throw new ApiError(422, "Reference does not exist");
  const branch = ref.replace(/^refs\/heads\//, "");
  const protection = repository.protections.get(branch);
  if (protection !== undefined) throw new ApiError(protection.status, protection.message);
  await moveBranch(world, repository, actor(world, context), { branch, from, to: undefined });
  return nothing();
}

export function gitDataRoutes(world: World): Api {
  const routes: Api = new Hono();
  const path = "/repos/:owner/:repo/git";
  routes.post(`${path}/blobs`, (c) => createBlob(world, c));
  routes.get(`${path}/blobs/:sha`, async (c) => {
    const repository = reach(world, c, reads("contents"));
    const sha = part(c, "sha");
    const blob = isSha(sha) ? await readObject(repository.directory, sha) : undefined;
    if (blob?.type !== "blob") throw notFound();
    const url = `${repositoryUrl(world, repository)}/git/blobs/${sha}`;
    const content = blob.content.toString("base64");
    return json({ sha, node_id: `B_${sha}`, url, size: blob.size, encoding: "base64", content });
  });
  routes.post(`${path}/trees`, (c) => createTree(world, c));
  routes.get(`${path}/trees/:sha{.+}`, async (c) => {
    const repository = reach(world, c, reads("contents"));
    const found = await tryGit(repository.directory, ["rev-parse", "--verify", "--quiet", `${part(c, "sha")}^{tree}`]);
    if (found.code !== 0) throw notFound();
    // Any value counts, "0" and "false" too (docs: git/trees).
    const how = c.req.query("recursive") === undefined ? "flat" : "recursive";
    return json(await treeShape(world, repository, found.stdout.toString().trim(), how));
  });
  routes.post(`${path}/commits`, (c) => createCommit(world, c));
  routes.get(`${path}/commits/:sha`, async (c) => {
    const repository = reach(world, c, reads("contents"));
    if (!(await isOf(repository, part(c, "sha"), "commit"))) throw notFound();
    return json(gitCommitShape(world, repository, await readCommit(repository, part(c, "sha"))));
  });
  routes.get(`${path}/ref/:ref{.+}`, async (c) => {
    const repository = reach(world, c, reads("contents"));
    const ref = `refs/${part(c, "ref")}`;
    const sha = await refAt(repository.directory, ref);
    if (sha === undefined) throw notFound();
    return json(refShape(world, repository, ref, sha));
  });
  routes.get(`${path}/matching-refs/:ref{.+}`, async (c) => {
    const repository = reach(world, c, reads("contents"));
    const all = [...(await refsBelow(repository.directory, "refs/"))];
    const found = all.filter(([name]) => name.startsWith(`refs/${part(c, "ref")}`));
    return paged(c, found, ([name, sha]) => refShape(world, repository, name, sha));
  });
  routes.post(`${path}/refs`, (c) => createRef(world, c));
  routes.patch(`${path}/refs/:ref{.+}`, (c) => updateRef(world, c));
  routes.delete(`${path}/refs/:ref{.+}`, (c) => deleteRef(world, c));
  return routes;
}
