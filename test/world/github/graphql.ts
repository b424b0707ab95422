/** The GraphQL that is asked: `createCommitOnBranch`, which publishing needs, and when a text was changed last. */
import { z } from "zod";
import { actor, mayReach, writes } from "./access.ts";
import { ApiError, json, readBody, type Context } from "./answer.ts";
import { mayMove, moveBranch, readCommit, signatureOf, webFlow } from "./branches.ts";
import { answerEdited } from "./issue-events.ts";
import { isSha, refAt } from "./git.ts";
import { limits } from "./limits.ts";
import { pick, readSelection, UndefinedField, type Selection } from "./selection.ts";
import { fullName, type Repository, type Token } from "./state.ts";
import { entryAt, flatten, listTree, treeWith, writeBlob, writeCommit, type TreeChange } from "./trees.ts";
import { allows, findRepository, iso, type World } from "./world.ts";

const Request = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).default({}) });
const Input = z.strictObject({
  branch: z.strictObject({ repositoryNameWithOwner: z.string(), branchName: z.string() }),
  expectedHeadOid: z.string().refine(isSha, "is no object id"),
  message: z.strictObject({ headline: z.string().min(1), body: z.string().optional() }),
  fileChanges: z.strictObject({
    additions: z.array(z.strictObject({ path: z.string().min(1), contents: z.base64() })).default([]),
    deletions: z.array(z.strictObject({ path: z.string().min(1) })).default([]),
  }),
  clientMutationId: z.string().optional(),
});
type Input = z.output<typeof Input>;

/** An error inside a 200 answer, as GraphQL gives them. */
class MutationError extends Error {
  override readonly name = "MutationError";
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const forbidden = (): MutationError => new MutationError("FORBIDDEN", "Resource not accessible by integration");

function target(world: World, token: Token, named: string): Repository {
  const repository = findRepository(world, named);
  const missing = new MutationError("NOT_FOUND", `Could not resolve to a Repository with the name '${named}'.`);
  if (repository === undefined) throw missing;
  try {
    mayReach({ kind: "token", token }, repository, writes("contents"));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw error.status === 404 ? missing : forbidden();
  }
  return repository;
}

async function changesOf({ directory }: Repository, head: string, { additions, deletions }: Input["fileChanges"]) {
  const changes: TreeChange[] = [];
  for (const { path } of deletions) {
    if ((await entryAt(directory, head, path)) === undefined)
      throw new MutationError(
        "UNPROCESSABLE",
        `A path was requested for deletion which does not exist as of commit oid \`${head}\``,
      );
    changes.push({ path, sha: null });
  }
  // The mutation knows no modes: whatever it writes is a plain file.
  for (const { path, contents } of additions)
    changes.push({ path, mode: "100644", sha: await writeBlob(directory, Buffer.from(contents, "base64")) });
  return flatten(directory, await listTree(directory, head, "recursive"), changes);
}

type Asked = { readonly token: Token; readonly input: Input; readonly selection: readonly Selection[] };

async function commitOnBranch(world: World, context: Context, { token, input, selection }: Asked): Promise<unknown> {
  const repository = target(world, token, input.branch.repositoryNameWithOwner);
  const branch = input.branch.branchName.replace(/^refs\/heads\//, "");
  const ref = `refs/heads/${branch}`;
  const head = await refAt(repository.directory, ref);
  if (head === undefined) throw new MutationError("NOT_FOUND", `No ref found for branch "${branch}"`);
  const expected = input.expectedHeadOid;
  const stale = new MutationError(
    "STALE_DATA",
    `Expected branch to point to "${expected}" but it did not.  Pull and try again.`,
  );
  if (head !== expected) throw stale;
  const answer = async (oid: string): Promise<unknown> => {
    const commit = await commitShape(world, repository, oid);
    const moved = { id: `REF_${ref}`, name: branch, prefix: "refs/heads/", target: { oid } };
    const all = { clientMutationId: input.clientMutationId ?? null, commit, ref: moved };
    return pick({ createCommitOnBranch: all }, selection);
  };
  // A selection of fields that are not there is refused before anything is written.
  await answer(head);
  const paths = [...input.fileChanges.additions, ...input.fileChanges.deletions].map(({ path }) => path);
  if (paths.some((path) => path.startsWith(".github/workflows/")) && !allows(token.permissions, "workflows", "write"))
    throw forbidden();
  const built = await treeWith(repository.directory, head, await changesOf(repository, head, input.fileChanges));
  if ("wrong" in built) throw new MutationError("UNPROCESSABLE", built.wrong);
  const by = actor(world, context);
  const { headline, body } = input.message;
  const message = body === undefined || body === "" ? headline : `${headline}\n\n${body}`;
  const made = {
    tree: built.tree,
    parents: [head],
    author: signatureOf(world, by),
    committer: webFlow(world),
    message,
  };
  const sha = await writeCommit(repository.directory, made);
  repository.signed.add(sha);
  try {
    await mayMove(repository, token.permissions, branch, sha);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new MutationError("UNPROCESSABLE", error.message);
  }
  if (!(await moveBranch(world, repository, by, { branch, from: head, to: sha }))) throw stale;
  return answer(sha);
}

async function commitShape(world: World, repository: Repository, sha: string) {
  const commit = await readCommit(repository, sha);
  return {
    id: `C_${sha}`,
    oid: sha,
    abbreviatedOid: sha.slice(0, 7),
    message: commit.message,
    url: `${world.publicUrl}/${fullName(repository)}/commit/${sha}`,
    commitUrl: `${world.publicUrl}/${fullName(repository)}/commit/${sha}`,
    committedDate: iso(commit.committer.atMs),
    tree: { oid: commit.tree },
    signature: { isValid: true, state: "VALID", wasSignedByGitHub: true },
    author: { name: commit.author.name, email: commit.author.email },
  };
}

/** Answers 200 with `errors` for what goes wrong inside the mutation, as GraphQL does. */
export async function answerGraphql(world: World, context: Context): Promise<Response> {
  const { caller } = context.env;
  if (caller.kind !== "token") throw new ApiError(401, "This endpoint requires you to be authenticated.");
  const { query, variables } = await readBody(context, Request);
  const selection = readSelection(query);
  const [operation] = selection;
  const edited = answerEdited(world, context, { query, variables, selection });
  if (edited !== undefined) return edited;
  const variable = /createCommitOnBranch\s*\(\s*input\s*:\s*\$(\w+)/.exec(query)?.[1];
  if (operation?.field !== "createCommitOnBranch" || variable === undefined || selection.length > 1) {
    world.unknownRequests.push(`GraphQL ${query.slice(0, 200)}`);
    return failed(
      "undefinedField",
      "The stand-in knows createCommitOnBranch(input: $variable) and when an issue was edited.",
      [],
    );
  }
  const input = Input.safeParse(variables[variable]);
  if (!input.success) {
    const why = z.prettifyError(input.error);
    return json({
      errors: [
        { message: `Variable $${variable} of type CreateCommitOnBranchInput! was provided invalid value: ${why}` },
      ],
    });
  }
  if (Buffer.byteLength(JSON.stringify(variables)) > limits.graphqlRequestBytes)
    throw new ApiError(413, "Payload Too Large");
  try {
    return json({ data: await commitOnBranch(world, context, { token: caller.token, input: input.data, selection }) });
  } catch (error) {
    if (error instanceof UndefinedField) return failed("undefinedField", error.message, []);
    if (error instanceof MutationError) return failed(error.type, error.message, [operation.alias]);
    throw error;
  }
}

const failed = (type: string, message: string, path: readonly string[]): Response =>
  json({
    data: path.length === 0 ? null : { [path[0] ?? ""]: null },
    errors: [{ type, path, message, locations: [{ line: 1, column: 1 }] }],
  });
