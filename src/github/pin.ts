/**
 * What a task starts from, looked up once when it is admitted: the commit, where it is fetched, and the conversation as
 * it stood. A pull request is taken by its own ref, never by its branch's name, which a fork chooses freely
 *.
 */
import type { Octokit } from "@octokit/rest";
import { Sha } from "../core/ids.ts";
import { permits } from "../core/role.ts";
import { Refusal } from "../core/refusal.ts";
import type { Actor, Base, IssuePlace, Task } from "../core/task.ts";
import { orUndefined } from "./failure.ts";
import { roleOf } from "./permissions.ts";
import { placeOf, repoOf } from "./place.ts";
import { isReachable, resolveRef } from "./refs.ts";

type Code = Pick<Base, "sha" | "ref" | "fetchRef" | "into" | "head"> & { readonly isOurs: boolean };
type Told = Base["quoted"][number] & { readonly by: Actor | undefined };
type Ask = { readonly octokit: Octokit; readonly place: IssuePlace; readonly webUrl: string };

/** Throws a `Refusal` where the ref, the issue or the pull request does not exist. */
export async function pin(octokit: Octokit, task: Task, webUrl: string): Promise<Base> {
  const place = placeOf(task);
  const ask: Ask = { octokit, place, webUrl };
  const { data: repository } = await octokit.rest.repos.get(repoOf(place));
  if (repository.id !== place.repository.id)
    throw new Error(
      `${repository.full_name} is repository ${repository.id}, and the task is of ${place.repository.id}`,
    );
  const { code, told } = place.pullRequest
    ? await pullRequest(ask, task, repository.default_branch)
    : {
        code: await fromRef(ask, task.spec.ref ?? repository.default_branch, repository.default_branch),
        told: await issue(ask),
      };
  const { isOurs, ...base } = code;
  const { by, ...quoted } = told;
  const isToldByWriter = quoted.text === "" || (by !== undefined && permits(await roleOf(octokit, place, by), "write"));
  return { ...base, url: `${webUrl}/${repository.full_name}.git`, trusted: isOurs && isToldByWriter, quoted: [quoted] };
}

async function fromRef({ octokit, place }: Ask, ref: string, defaultBranch: string): Promise<Code> {
  const repo = repoOf(place);
  const found = await resolveRef(octokit, repo, ref);
  const isOurs = found.kind !== "commit" || (await isReachable(octokit, repo, defaultBranch, found.sha));
  const into = found.kind === "branch" ? found.name : defaultBranch;
  return { sha: found.sha, ref: found.name, fetchRef: found.fetchRef, into, head: null, isOurs };
}

async function issue({ octokit, place }: Ask): Promise<Told> {
  const found = await orUndefined(octokit.rest.issues.get({ ...repoOf(place), issue_number: place.number }));
  if (found === undefined)
    throw new Refusal(`There is no issue #${place.number} in ${place.repository.owner}/${place.repository.name}.`);
  return told(`issue #${place.number}`, found.data);
}

async function pullRequest(ask: Ask, task: Task, defaultBranch: string): Promise<{ code: Code; told: Told }> {
  const { octokit, place } = ask;
  const found = await orUndefined(octokit.rest.pulls.get({ ...repoOf(place), pull_number: place.number }));
  if (found === undefined)
    throw new Refusal(
      `There is no pull request #${place.number} in ${place.repository.owner}/${place.repository.name}.`,
    );
  const { head, base } = found.data;
  const words = told(`pull request #${place.number}`, found.data);
  if (task.spec.ref !== null) return { code: await fromRef(ask, task.spec.ref, defaultBranch), told: words };
  // `head.repo` is null once the fork is deleted, whatever the published types say.
  const from: { readonly id: number } | null = head.repo;
  const isOurs = from?.id === place.repository.id;
  // Nothing is written onto the default branch, not even where somebody asks to merge it elsewhere.
  const isDefault = isOurs && head.ref === defaultBranch;
  const code: Code = {
    sha: Sha.parse(head.sha),
    ref: `pull request #${place.number}`,
    fetchRef: isDefault ? `refs/heads/${head.ref}` : pullRef(place),
    into: base.ref,
    head: isOurs && !isDefault ? head.ref : null,
    isOurs,
  };
  return { code, told: words };
}

/** Stays when the pull request is closed, unlike `…/merge`. */
export const pullRef = (place: IssuePlace): string => `refs/pull/${place.number}/head`;

type Text = {
  readonly title: string;
  readonly body?: string | null;
  readonly user: { readonly id: number; readonly login: string } | null;
};

function told(what: string, { title, body, user }: Text): Told {
  return {
    what: `${what}: title and text`,
    author: user?.login ?? "ghost",
    // What the page does not show, nobody has approved.
    text: `${title}\n\n${(body ?? "").replaceAll("\r\n", "\n").replace(/<!--[\s\S]*?(?:-->|$)/g, "")}`.trim(),
    by: user === null ? undefined : { id: user.id, login: user.login },
  };
}
