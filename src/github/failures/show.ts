/** One step of a failing workflow's issue: look at it, ask the core what it lacks, do that. */
import {
  nextFailureStep,
  standingOf,
  toldOf,
  type FailureIssue,
  type FailureStep,
  type WorkflowRun,
} from "../../core/failures.ts";
import type { InstallationId } from "../../core/ids.ts";
import { earliest, type Instant } from "../../core/instant.ts";
import type { Log } from "../../core/ports/log.ts";
import type { FailuresDone, FailuresView } from "../../core/ports/workflows.ts";
import { Refusal } from "../../core/refusal.ts";
import type { Clients } from "../client.ts";
import { failureOf, isNo } from "../failure.ts";
import type { RepositorySettings } from "../settings.ts";
import { issueBody, passedBody, type Told } from "./body.ts";
import { changesSince, evidenceOf, lastPassed } from "./evidence.ts";
import { comment, editIssue, findIssue, makeIssue, makeLabels, readIssue, type Desk, type ReadIssue } from "./issue.ts";
import { closeWords, issueLabels, issueTitle, noteWords, reopenWords } from "./words.ts";

export interface ShowOptions {
  readonly clients: Clients;
  readonly settings: RepositorySettings;
  readonly appId: number;
  readonly log: Log;
}

type Step<D extends FailureStep["do"]> = Extract<FailureStep, { do: D }>;

/** What GitHub will not have, and settings that cannot be used, are told to the operator and not tried for ever. */
export async function showFailures(options: ShowOptions, view: FailuresView, now: Instant): Promise<FailuresDone> {
  try {
    return await nextStep(options, view, now);
  } catch (error) {
    const failure = failureOf(error);
    if (error instanceof Refusal) return { did: "refuse", issue: view.issue, because: error.message };
    if (failure === undefined || !isNo(failure)) throw error;
    const because = `GitHub answered ${failure.status}, “${failure.message}”`;
    return { did: "refuse", issue: view.issue, because };
  }
}

async function nextStep(options: ShowOptions, view: FailuresView, now: Instant): Promise<FailuresDone> {
  const { workflow, runs } = view;
  const installation = await installationOf(options, view);
  const [owner = "", name = ""] = workflow.kind === "service" ? workflow.repository.split("/") : [];
  const repository = workflow.kind === "service" ? { owner, name } : workflow.repository;
  const desk: Desk = { ...options.clients.of(installation), ...options, place: { repository } };
  const there = view.issue && (await readIssue(desk, view.issue));
  const issue = there === undefined ? undefined : view.issue;
  const watched = (await isWatched(options, view)) ? "watched" : "not watched";
  const step = nextFailureStep(runs, issue && there && { ...issue, there }, watched);
  if (step.do === "nothing") return { did: "nothing", issue };
  if (step.do === "open") return openIssue(desk, view, { step, now });
  if (issue === undefined || there === undefined) throw new Error(`There is no issue to ${step.do}.`);
  return { did: step.do, issue: await change(desk, view, { step, issue, there }) };
}

async function installationOf({ clients }: ShowOptions, { workflow }: FailuresView): Promise<InstallationId> {
  if (workflow.kind === "actions") return workflow.installation;
  const [owner = "", name = ""] = workflow.repository.split("/");
  const found = await clients.installationOn({ repository: { owner, name } });
  if (found !== undefined) return found;
  throw new Refusal(`The app is not installed on ${workflow.repository} (operator.repository): install it there.`);
}

async function isWatched({ settings }: ShowOptions, { workflow, issue, runs }: FailuresView): Promise<boolean> {
  // To close what is open, nobody need be asked.
  if (workflow.kind === "service" || standingOf(runs).failed.length === 0) return true;
  try {
    const { failures } = await settings.of(workflow.installation, workflow.repository);
    return failures.workflows.includes(workflow.file);
  } catch (error) {
    // Settings that cannot be used make nothing new; what is open goes on.
    if (error instanceof Refusal && issue?.left === "open") return true;
    throw error;
  }
}

/** The first of them is what the issue is open for. */
function told(failed: readonly WorkflowRun[]): Pick<FailureIssue, "first" | "since" | "told"> {
  const [first] = failed;
  if (first === undefined) throw new Error("An issue tells of one failed run at least.");
  return { first: first.number, since: first.endedAt, told: toldOf(failed) };
}

async function openIssue(
  desk: Desk,
  view: FailuresView,
  { step, now }: { step: Step<"open">; now: Instant },
): Promise<FailuresDone> {
  const { workflow } = view;
  const of = told(step.failed);
  const found = await findIssue(desk, workflow, now);
  // What it tells is not known, so the next step tells it all.
  if (found !== undefined)
    return { did: "find", issue: { number: found.number, id: found.id, left: found.state, ...of, told: "" } };
  const all = await gather(desk, view, step.failed);
  const body = issueBody(all);
  if (body === undefined) throw new Error("The description of a failure is too long.");
  const labels = issueLabels(workflow);
  const title = issueTitle(workflow, all.failed[0] ?? all.newest);
  await makeLabels(desk, labels);
  await view.claim();
  const { number, id } = await makeIssue(desk, { title, body, labels });
  return { did: "open", issue: { number, id, left: "open", ...of } };
}

type Change = Exclude<FailureStep, { do: "open" | "nothing" }>;

async function change(
  desk: Desk,
  view: FailuresView,
  { step, issue, there }: { step: Change; issue: FailureIssue; there: ReadIssue },
): Promise<FailureIssue> {
  switch (step.do) {
    case "settle":
      return { ...issue, left: "closed" };
    case "close":
      return close(desk, view, { step, issue, there });
    case "note": {
      const newest = newestOf(step.failed);
      await say(desk, view, { issue, about: newest, as: "stays-closed", words: noteWords(newest) });
      return { ...issue, noted: true, told: toldOf(step.failed) };
    }
    case "update": {
      const body = issueBody(await gather(desk, view, step.failed), there.body);
      await editIssue(desk, issue.number, { body: body === there.body ? undefined : body });
      const of = told(step.failed);
      if (issue.left === "closed") return { ...issue, ...of, left: there.state };
      const first = Math.min(issue.first, of.first);
      return { ...issue, first, since: earliest(issue.since, of.since), told: of.told };
    }
    case "reopen": {
      const body = issueBody(await gather(desk, view, step.failed), there.body);
      const newest = newestOf(step.failed);
      // Said first: where it is found open, all was done.
      await say(desk, view, { issue, about: newest, as: "fails-again", words: reopenWords(newest) });
      await editIssue(desk, issue.number, { state: "open", state_reason: "reopened", body });
      return { ...issue, left: "open", ...told(step.failed) };
    }
  }
}

async function close(
  desk: Desk,
  view: FailuresView,
  { step, issue, there }: { step: Step<"close">; issue: FailureIssue; there: ReadIssue },
): Promise<FailureIssue> {
  const { passed, failed } = step;
  const closing = { passed, failed, since: issue.since };
  await say(desk, view, { issue, about: passed, as: "passed", words: closeWords(closing) });
  const body = passedBody(view.workflow, there.body, closing);
  await editIssue(desk, issue.number, { state: "closed", state_reason: "completed", body });
  return { ...issue, left: "closed" };
}

const newestOf = (failed: readonly WorkflowRun[]): WorkflowRun => {
  const newest = failed.at(-1);
  if (newest === undefined) throw new Error("There is no failed run to tell of.");
  return newest;
};

function say(
  desk: Desk,
  { workflow }: FailuresView,
  said: { issue: FailureIssue; about: WorkflowRun; as: string; words: string },
): Promise<void> {
  const { number, attempt, endedAt } = said.about;
  const of = workflow.kind === "service" ? workflow.job : workflow.file;
  const marker = `${said.as} ${of} ${number}/${attempt}`;
  return comment(desk, said.issue.number, { marker, words: said.words, sinceMs: endedAt });
}

/** All that the issue tells of the newest failed run. */
async function gather(desk: Desk, view: FailuresView, failed: readonly WorkflowRun[]): Promise<Told> {
  const { workflow, runs, tries, redact, issue } = view;
  const newest = newestOf(failed);
  const first = failed[0] ?? newest;
  const since = issue?.left === "open" ? earliest(issue.since, first.endedAt) : first.endedAt;
  const { passed } = standingOf(runs);
  const none = { failing: [], logs: [] };
  if (workflow.kind === "service")
    return { workflow, failed, newest, since, passed, evidence: newest.evidence ?? none, changes: undefined };
  const asked = { octokit: desk.octokit, workflow, tries, redact };
  const evidence = await evidenceOf(asked, newest);
  const before = passed ?? (await lastPassed(asked, first));
  const [from, to] = [before?.sha, newest.sha];
  const changes =
    from === undefined || to === undefined || from === to ? undefined : await changesSince(asked, from, to);
  return { workflow, failed, newest, since, passed: before, evidence, changes };
}
