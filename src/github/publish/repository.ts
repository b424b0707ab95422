/** The repository of a task as it is called now: it may have been renamed during the run, and its old name given to another. */
import { Refusal } from "../../core/refusal.ts";
import type { Task } from "../../core/task.ts";
import { orRefusal } from "../failure.ts";
import { placeOf } from "../place.ts";
import type { Hand } from "./tree-commit.ts";

export type Here = Hand & { readonly defaultBranch: string };

/** GitHub sends an old name on to the new one. Throws a `Refusal` where the name leads to another repository, or nowhere. */
export async function asItIsNow(hand: Hand, task: Task): Promise<Here> {
  const { owner, repo } = hand.repo;
  const { data } = await orRefusal(`${owner}/${repo} could not be reached`, hand.octokit.rest.repos.get(hand.repo));
  if (data.id !== placeOf(task).repository.id)
    throw new Refusal(
      `${owner}/${repo} is another repository now than the one that the work began in. Nothing was published.`,
    );
  return { ...hand, repo: { owner: data.owner.login, repo: data.name }, defaultBranch: data.default_branch };
}
