/** Making repositories: empty ones, seeded ones, forks. */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { nobody, signatureOf } from "./branches.ts";
import { commitFiles, type Files } from "./files.ts";
import { git, makeBare, refAt } from "./git.ts";
import { fullName, type Account, type Repository } from "./state.ts";
import { account, addAccount, findRepository, type World } from "./world.ts";

export type NewRepository = {
  readonly name: string;
  readonly private: boolean;
  readonly parent?: Repository | undefined;
  readonly defaultBranch: string;
};

export async function addRepository(world: World, owner: Account, made: NewRepository): Promise<Repository> {
  const id = world.nextId("repository");
  const repository: Repository = {
    id,
    owner,
    name: made.name,
    formerNames: [],
    private: made.private,
    defaultBranch: made.defaultBranch,
    parent: made.parent,
    hasIssues: true,
    archived: false,
    directory: join(world.options.directory, `${id}.git`),
    roles: new Map(),
    protections: new Map(),
    teams: new Set(owner.type === "Organization" ? ["reviewers"] : []),
    labels: [],
    issues: [],
    checkSuites: [],
    checkRuns: [],
    signed: new Set(),
    createdAt: world.now(),
  };
  await makeBare(repository.directory, made.defaultBranch);
  world.repositories.set(id, repository);
  return repository;
}

/** All branches and objects of one in the other; pull requests' refs stay behind. */
export async function copyRepository(from: Repository, to: Repository): Promise<void> {
  await cp(from.directory, to.directory, { recursive: true });
  await rm(join(to.directory, "refs", "pull"), { recursive: true, force: true });
  for (const sha of from.signed) to.signed.add(sha);
}

/**
 * The repository `owner/name`, made where it is not there (the owner as an organization), with these files committed
 * on its default branch. Nobody hears of it: this is what was there before the test began.
 */
export async function seedRepository(
  world: World,
  named: string,
  files: Files | undefined,
  made: { readonly private?: boolean; readonly defaultBranch?: string } = {},
): Promise<Repository> {
  const [login = "", name = ""] = named.split("/");
  const owner = world.accounts.get(login.toLowerCase()) ?? addAccount(world, login, { type: "Organization" });
  const repository =
    findRepository(world, named) ??
    (await addRepository(world, owner, {
      name,
      private: made.private ?? false,
      defaultBranch: made.defaultBranch ?? "main",
    }));
  const ref = `refs/heads/${repository.defaultBranch}`;
  const parent = await refAt(repository.directory, ref);
  if (files === undefined && parent !== undefined) return repository;
  const by = signatureOf(world, account(world, login));
  const message = parent === undefined ? "Initial commit" : `Seed ${fullName(repository)}`;
  const content = files ?? { "README.md": `# ${name}\n` };
  const sha = await commitFiles(repository.directory, { parent, files: content, by, message });
  await git(repository.directory, ["update-ref", ref, sha, parent ?? nobody]);
  return repository;
}
