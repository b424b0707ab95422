/**
 * What a person may do in a repository, asked of GitHub at the moment of the question. `author_association` is never read:
 * private members of an organisation appear there as contributors.
 */
import type { Octokit } from "@octokit/rest";
import { Role } from "../core/role.ts";
import type { Actor, IssuePlace } from "../core/task.ts";
import { orUndefined } from "./failure.ts";
import { repoOf } from "./place.ts";

/** Throws where GitHub gives no answer. */
export async function roleOf(octokit: Octokit, place: IssuePlace, actor: Actor): Promise<Role> {
  const asked = await ask(octokit, place, actor.login);
  if (asked === undefined) return "none";
  if (asked.id === actor.id) return asked.role;
  // The login belongs to somebody else by now; the id is who asked.
  const present = await orUndefined(octokit.rest.users.getById({ account_id: actor.id }));
  if (present === undefined) return "none";
  const again = await ask(octokit, place, present.data.login);
  return again?.id === actor.id ? again.role : "none";
}

/** Undefined for a login that is no user here: a stranger to a private repository, or a bot. */
async function ask(
  octokit: Octokit,
  place: IssuePlace,
  username: string,
): Promise<{ id: number | undefined; role: Role } | undefined> {
  const answer = await orUndefined(octokit.rest.repos.getCollaboratorPermissionLevel({ ...repoOf(place), username }));
  if (answer === undefined) return undefined;
  const { user, role_name, permission } = answer.data;
  // A custom role bears a name of its own; `permission` folds it into the one that it is built on.
  const role = Role.safeParse(role_name).data ?? Role.parse(permission);
  return { id: user?.id, role };
}
