/** Names, labels and comments of the issue of a failing workflow. What comes from outside is shown as text. */
import { elapsed } from "../../core/headline.ts";
import { mostRuns, type Workflow, type WorkflowRun } from "../../core/failures.ts";
import type { Instant } from "../../core/instant.ts";
import { clipBytes, visible, type Markdown } from "../../core/markdown.ts";

/** The guide's names and labels (guide §2.2). */
const known: Readonly<Record<string, { name: string; labels: readonly string[] }>> = {
  "image-rebuild": { name: "Weekly image rebuild", labels: ["ci-failure", "priority-high"] },
  e2e: { name: "E2E Modal tests", labels: ["ci-failure", "e2e-test"] },
};
const knownFiles: Readonly<Record<string, string>> = {
  "image-rebuild.yml": "image-rebuild",
  "e2e-modal.yml": "e2e",
};
/** For labels that are not there yet. */
export const labelLooks: Readonly<Record<string, { color: string; description: string }>> = {
  "ci-failure": { color: "d73a4a", description: "A workflow fails" },
  "priority-high": { color: "b60205", description: "Wants somebody soon" },
  "e2e-test": { color: "fbca04", description: "About the end-to-end tests" },
};

const knownAs = (workflow: Workflow) => {
  const job = workflow.kind === "service" ? workflow.job : knownFiles[workflow.file];
  return job === undefined ? undefined : known[job];
};

/** Untrusted, on one line. */
export function nameOf(workflow: Workflow): string {
  const own = workflow.kind === "service" ? workflow.job : workflow.name;
  return knownAs(workflow)?.name ?? clipBytes(visible(own).replace(/\s+/g, " ").trim(), 100, { keep: "start" });
}

const day = (at: Instant): string => new Date(at).toISOString().slice(0, 10);
export const time = (at: Instant): string => `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** A title is no Markdown. */
export const issueTitle = (workflow: Workflow, first: WorkflowRun): string =>
  `🚨 ${nameOf(workflow)} failed - ${day(first.endedAt)}`;

export const issueLabels = (workflow: Workflow): readonly string[] => knownAs(workflow)?.labels ?? ["ci-failure"];

/** Addresses come from GitHub's API, and are left out where they do not look like it. */
export function link(text: Markdown, url: string | undefined): Markdown {
  return url !== undefined && /^https?:\/\/[^\s()<>[\]]+$/.test(url) ? `[${text}](${url})` : text;
}

/** `#12` alone would be the link to an issue. */
export function runName({ number, attempt, id, url, endedAt }: WorkflowRun): Markdown {
  const again = attempt > 1 ? `, attempt ${attempt}` : "";
  return id === undefined ? link(`the run of ${time(endedAt)}`, url) : `${link(`run ${number}`, url)}${again}`;
}

export const outcomeWords: Readonly<Record<WorkflowRun["outcome"], string>> = {
  passed: "passed",
  failure: "failed",
  timed_out: "ran out of time",
  startup_failure: "could not start",
};

/** No more runs are known than are kept. */
export const atLeast = (failures: number): string => `${failures >= mostRuns - 1 ? "at least " : ""}${failures}`;

export const closedSentence = ({
  passed,
  failed,
  since,
}: {
  passed: WorkflowRun;
  failed: number;
  since: Instant;
}): Markdown =>
  `Passed again in ${runName(passed)}, on ${time(passed.endedAt)}, ${elapsed(passed.endedAt - since)} after it first failed (${atLeast(failed)} failed ${failed === 1 ? "run" : "runs"}).`;

export const closeWords = (closing: { passed: WorkflowRun; failed: number; since: Instant }): Markdown =>
  `✅ ${closedSentence(closing)}`;

export const reopenWords = (newest: WorkflowRun): Markdown =>
  `🚨 It fails again: ${runName(newest)} ${outcomeWords[newest.outcome]} on ${time(newest.endedAt)}. The description above is of this run.`;

export const noteWords = (newest: WorkflowRun): Markdown =>
  `It failed again (${runName(newest)}, on ${time(newest.endedAt)}). This issue was closed as not planned, so it stays closed, and I say no more of it here. Reopen it to have it kept up to date.`;
