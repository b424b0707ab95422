/** Runs of workflows as a test tells of them, and what stands in the issue that they lead to. */
import { minuteMs } from "../../src/core/instant.ts";
import type { IssueView } from "../world/github/read.ts";
import type { Job } from "../world/github/state.ts";
import type { FinishedRun } from "../world/github/action-routes.ts";
import type { World } from "../world/world.ts";

export const widgets = "acme/widgets";
export const rebuild = { file: "image-rebuild.yml", name: "Weekly image rebuild", event: "schedule" } as const;

export const failedJob = (log = "npm error 404 not found\n", name = "build"): Job => ({
  name,
  conclusion: "failure",
  steps: [
    { name: "Check out", conclusion: "success" },
    { name: "Publish image", conclusion: "failure" },
    { name: "Tidy up", conclusion: "skipped" },
  ],
  log,
});

async function headOf(w: World): Promise<string> {
  return (await w.github.branch(widgets, "main")) ?? "";
}

/** A run ends, GitHub tells of it, and all that is due is done. Its id. */
export async function ends(w: World, conclusion: string, more: Partial<FinishedRun> = {}): Promise<number> {
  const id = await endsUnheard(w, conclusion, more);
  await w.deliver();
  await w.pass(minuteMs);
  return id;
}

/** The same without a word of it: the delivery is held. */
export async function endsUnheard(w: World, conclusion: string, more: Partial<FinishedRun> = {}): Promise<number> {
  const jobs = conclusion === "success" ? {} : { jobs: [failedJob()] };
  return w.github.workflowRun(widgets, { ...rebuild, sha: await headOf(w), conclusion, ...jobs, ...more });
}

/** Issues that tell of failures, in all states. */
export const told = (w: World, repository = widgets): IssueView[] =>
  w.github.issues(repository).filter(({ author, pull }) => author === "parhelia[bot]" && pull === undefined);

/** The only one. Throws where there are others, or none. */
export function issueOf(w: World, repository = widgets): IssueView {
  const [issue, ...others] = told(w, repository);
  if (issue === undefined || others.length > 0) throw new Error(`${others.length} issues beside ${issue?.number}`);
  return issue;
}

export const saidIn = ({ comments }: IssueView): string[] =>
  comments.filter(({ author }) => author === "parhelia[bot]").map(({ body }) => body.replace(/^<!--.*?-->\n/, ""));
