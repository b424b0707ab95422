/** What GitHub shows and the store holds when all tasks have ended, so that two ways to the same end compare equal. */
import type { Instant } from "../../src/core/instant.ts";
import type { Task } from "../../src/core/task.ts";
import { counters } from "../../src/records/document.ts";
import { isOfRun } from "./chaos-runs.ts";
import type { CommentView } from "./github/read.ts";
import { expectLedger } from "./ledger.ts";
import type { World } from "./world.ts";

export const repositories = ["acme/widgets", "bolt/gears", "cork/floats"] as const;

export async function endOf(w: World): Promise<unknown> {
  const tasks = await w.tasks();
  const now = w.now();
  const [held] = await w.store.look(now, [{ counter: counters.running }]);
  return {
    tasks: tasks.map((task) => `${place(task)}: ${task.state}`).toSorted(),
    held,
    living: w.sandboxes.living(),
    money: await unsettled(w, now),
    repositories: await Promise.all(repositories.map((each) => seen(w, each, tasks))),
  };
}

const place = ({ origin }: Task): string =>
  origin.place.kind === "issue" ? `${origin.place.repository.name}#${origin.place.number}` : "elsewhere";

/** Slices that were drawn and not settled. */
async function unsettled(w: World, now: Instant): Promise<string[]> {
  const { open } = await expectLedger(w.store, now);
  return [...open.keys()];
}

/** What people see of one repository. Task ids become the place that asked; what follows from the order of events is left out. */
async function seen(w: World, repository: string, tasks: readonly Task[]): Promise<unknown> {
  const { github } = w;
  const pulls = github.pulls(repository);
  const plain = (text: string): string => {
    const placed = tasks.reduce((all, task) => all.replaceAll(task.id, place(task)), text);
    const numbered = pulls.reduce(
      (all, { number }) => all.replaceAll(new RegExp(`#\u200b?${number}\\b`, "g"), "#PULL"),
      placed,
    );
    return withoutChance(numbered);
  };
  const said = ({ comments }: { comments: readonly CommentView[] }): unknown =>
    comments
      .filter(({ author }) => author === "parhelia[bot]")
      .map(({ body, reactions }) => [plain(body), ...reactions].join("\n"))
      .toSorted();
  const all = github.issues(repository).filter(({ pull }) => pull === undefined);
  const issues = all.filter((each) => !isOfRun(each));
  const shownPulls = pulls.map(async (each) => ({
    title: plain(each.title),
    body: plain(each.body),
    head: plain(each.pull.head),
    base: each.pull.base,
    state: each.state,
    files: Object.entries(await github.files(repository, each.pull.headSha)),
    said: said(each),
  }));
  return {
    repository,
    issues: issues.map((each) => ({ ...each, comments: said(each) })),
    // How often one was closed in between depends on what was told when; nothing may be said twice.
    failures: all.filter(isOfRun).map(({ title, labels, state, body, comments }) => ({
      title: title.replace(/\d{4}-\d\d-\d\d$/, "DAY"),
      labels,
      state,
      body: plain(body).replaceAll(/\/job\/\d+/g, "/job/N"),
      repeated: comments.length - new Set(comments.map((each) => each.body)).size,
    })),
    pulls: (await Promise.all(shownPulls)).toSorted((one, other) => (one.head < other.head ? -1 : 1)),
    branches: (await github.branches(repository)).map(plain).toSorted(),
    checks: github
      .checkRuns(repository)
      .map(({ conclusion, name, output }) => plain(`${name}: ${conclusion}: ${output?.title ?? ""}`))
      .toSorted(),
  };
}

const withoutChance = (text: string): string =>
  text
    .replaceAll(/parhelia reply [\w-]+/g, "parhelia reply")
    .replaceAll(/issuecomment-\d+/g, "issuecomment-N")
    .replaceAll(/\/(pull|runs|commit)\/\w+/g, "/$1/N")
    .replaceAll(/\$\d+(?:\.\d+)?/g, "$N")
    .replaceAll(/\b[0-9a-f]{7,40}\b/g, "SHA")
    .replaceAll(/\b\d+ ?(?:ms|s|m|min|h|seconds?|minutes?|hours?|days?)\b(?: \d+ ?(?:s|m|min)\b)?/g, "TIME")
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, "TIME")
    // How often a sandbox was lost, and so what all of them cost.
    .replaceAll(/\n.*\bSandbox: .*/g, "")
    // A cancel may come between two attempts, when nothing has been running.
    .replaceAll(" · TIME · $N", " · $N");
