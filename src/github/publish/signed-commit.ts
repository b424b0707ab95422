/**
 * A commit in one call that GitHub always signs as the app's (GraphQL `createCommitOnBranch`): the way for plain files.
 * It moves the branch itself, and only from the commit that we expect there.
 */
import { z } from "zod";
import { Sha } from "../../core/ids.ts";
import { Refusal } from "../../core/refusal.ts";
import type { Changes } from "../../core/changes.ts";
import type { Hand } from "./tree-commit.ts";

/** Well below what GitHub was seen to take in one request. */
const mostBytes = 10_000_000;
const mostFiles = 100;

/** Whether this way keeps the result as it is: it makes every file 100644. `modes` are those at the commit before. */
export function isPlain(changes: Changes, modes: ReadonlyMap<string, string>): boolean {
  const { puts, deletes } = changes;
  const bytes = puts.reduce((sum, { content }) => sum + content.length, 0);
  return (
    puts.length + deletes.length <= mostFiles &&
    bytes <= mostBytes &&
    puts.every(({ path, mode }) => mode === "100644" && (modes.get(path) ?? "100644") === "100644")
  );
}

const mutation = `mutation ($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid } }
}`;
const Answer = z.object({ createCommitOnBranch: z.object({ commit: z.object({ oid: Sha }) }) });
const GraphqlError = z.object({
  name: z.literal("GraphqlResponseError"),
  errors: z.array(z.looseObject({ type: z.string().optional(), message: z.string() })),
});
/** What asking again cannot mend. STALE_DATA is not among them: the branch has moved, and the next look sees where to. */
const lasting: ReadonlySet<string | undefined> = new Set(["UNPROCESSABLE", "FORBIDDEN", "NOT_FOUND"]);

export type SignedCommit = {
  readonly branch: string;
  readonly expected: Sha;
  readonly message: { readonly headline: string; readonly body: string };
  /** Returned by GitHub unchanged; joins its log to ours. */
  readonly mutationId: string;
};

/** Throws a `Refusal` with GitHub's words where a rule forbids it. */
export async function commitSigned(hand: Hand, commit: SignedCommit, changes: Changes): Promise<Sha> {
  const { octokit, writer, repo } = hand;
  const input = {
    clientMutationId: commit.mutationId,
    branch: { repositoryNameWithOwner: `${repo.owner}/${repo.repo}`, branchName: commit.branch },
    expectedHeadOid: commit.expected,
    message: commit.message,
    fileChanges: {
      additions: changes.puts.map(({ path, content }) => ({ path, contents: content.toString("base64") })),
      deletions: changes.deletes.map((path) => ({ path })),
    },
  };
  try {
    const answer = await writer.send(() => octokit.graphql<unknown>(mutation, { input }));
    return Answer.parse(answer).createCommitOnBranch.commit.oid;
  } catch (error) {
    const said = GraphqlError.safeParse(error).data?.errors;
    const reason = said?.find(({ type }) => lasting.has(type));
    if (reason === undefined) throw error;
    throw new Refusal(`The commit could not be made: GitHub answered “${reason.message}”`, { cause: error });
  }
}
