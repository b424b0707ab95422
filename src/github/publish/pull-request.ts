/** The pull request that a result is offered in: found where it is there, opened where not. */
import { failureOf, isLost, isNo } from "../failure.ts";
import type { Hand } from "./tree-commit.ts";

export type Offer = {
  readonly head: string;
  readonly into: string;
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
};
export type Offered = {
  readonly number: number;
  readonly url: string;
  readonly draft: boolean;
  readonly isOpen: boolean;
};

/** Answers GitHub's reason where it will not open one: the branch is there all the same. */
export async function offer(hand: Hand, made: Offer): Promise<Offered | { readonly refused: string }> {
  const { octokit, writer, repo } = hand;
  const { head, into, title, body, draft } = made;
  const found = await find(hand, made);
  if (found !== undefined) return found;
  try {
    const { data } = await writer.createNow(() =>
      octokit.rest.pulls.create({ ...repo, head, base: into, title, body, draft }),
    );
    return { number: data.number, url: data.html_url, draft, isOpen: true };
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !(isLost(failure) || isNo(failure))) throw error;
    const opened = await find(hand, made);
    if (opened !== undefined) return opened;
    if (isLost(failure)) throw error;
    return { refused: failure.message };
  }
}

/** Also a closed one: whoever closed it does not want another. */
async function find({ octokit, repo }: Hand, { head, into }: Offer): Promise<Offered | undefined> {
  const { data } = await octokit.rest.pulls.list({ ...repo, state: "all", head: `${repo.owner}:${head}` });
  const found = data.filter(({ base }) => base.ref === into);
  const best = found.find(({ state }) => state === "open") ?? found[0];
  if (best === undefined) return undefined;
  return { number: best.number, url: best.html_url, draft: best.draft === true, isOpen: best.state === "open" };
}
