/**
 * What a repository's settings want on a pull request of ours beside its contents: who is asked to review it, and its labels.
 * The result is there without them, so what GitHub refuses is told in the report and never fails the publish. Asked again
 * after a crash, GitHub takes both as one.
 */
import type { Policy } from "../../core/policy.ts";
import { failureOf, isNo } from "../failure.ts";
import type { Hand } from "./tree-commit.ts";

/** Sentences on what GitHub would not do. */
export async function finishByPolicy(
  hand: Hand,
  pull: number,
  { reviewers, labels }: Pick<Policy, "reviewers" | "labels">,
): Promise<string[]> {
  const unlabelled = labels.length === 0 ? undefined : await putLabels(hand, pull, labels);
  const unasked = await askReviewers(hand, pull, reviewers);
  return [
    ...(unlabelled === undefined ? [] : [`The labels of \`publish.labels\` are missing: “${unlabelled}”`]),
    ...unasked,
  ];
}

/** GitHub makes those that the repository does not have. */
const putLabels = ({ octokit, writer, repo }: Hand, pull: number, labels: readonly string[]) =>
  refusalOf(writer.send(() => octokit.rest.issues.addLabels({ ...repo, issue_number: pull, labels: [...labels] })));

async function askReviewers(hand: Hand, pull: number, reviewers: readonly string[]): Promise<string[]> {
  const isElsewhere = (name: string): boolean =>
    name.includes("/") && !name.toLowerCase().startsWith(`${hand.repo.owner.toLowerCase()}/`);
  const notes = reviewers
    .filter(isElsewhere)
    .map((name) => `${name} was not asked to review: it is no team of ${hand.repo.owner}.`);
  const here = reviewers.filter((name) => !isElsewhere(name));
  if (here.length === 0) return notes;
  const all = await ask(hand, pull, here);
  if (all === undefined) return notes;
  // One who cannot be asked keeps GitHub from asking the others.
  for (const name of here) {
    const refused = here.length === 1 ? all : await ask(hand, pull, [name]);
    if (refused !== undefined) notes.push(`${name} was not asked to review: “${refused}”`);
  }
  return notes;
}

const ask = ({ octokit, writer, repo }: Hand, pull: number, names: readonly string[]) =>
  refusalOf(
    writer.createNow(() =>
      octokit.rest.pulls.requestReviewers({
        ...repo,
        pull_number: pull,
        reviewers: names.filter((name) => !name.includes("/")),
        team_reviewers: names.flatMap((name) => name.split("/").slice(1)),
      }),
    ),
  );

/** GitHub's words where it says no. */
async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    return failure.message;
  }
}
