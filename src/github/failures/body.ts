/**
 * The description of a failing workflow's issue. Ours is what stands between two hidden marks; the rest is people's. Names,
 * titles and logs come from outside and are shown as text.
 */
import { count } from "../../core/headline.ts";
import type { Evidence, Workflow, WorkflowRun } from "../../core/failures.ts";
import type { Instant } from "../../core/instant.ts";
import { byteLength, clipBytes, fence, inlineCode, plainLine, visible, type Markdown } from "../../core/markdown.ts";
import type { Changes } from "./evidence.ts";
import { atLeast, closedSentence, link, nameOf, outcomeWords, runName, time } from "./words.ts";

const beginOf = (workflow: Workflow): string =>
  `<!-- parhelia failures ${workflow.kind === "service" ? `service ${workflow.job}` : workflow.file} -->`;
const end = "<!-- parhelia failures end -->";

export const isAbout = (workflow: Workflow, body: string): boolean => body.includes(beginOf(workflow));

/** The text with our part of it replaced; undefined where somebody took the marks of our part away. */
function replaced(workflow: Workflow, body: string, make: (ours: string) => string): string | undefined {
  const begin = beginOf(workflow);
  const from = body.indexOf(begin);
  const to = body.indexOf(end, from);
  if (from === -1 || to === -1) return undefined;
  return body.slice(0, from) + begin + make(body.slice(from + begin.length, to)) + body.slice(to);
}

/** Nothing from outside can look like the end of our part. */
const held = (text: Markdown): Markdown => text.replaceAll("<!-- parhelia", "<!-\u200b- parhelia");

export interface Told {
  readonly workflow: Workflow;
  /** Oldest first; one at least. */
  readonly failed: readonly WorkflowRun[];
  readonly newest: WorkflowRun;
  /** When the first of them ended, which may be forgotten by now. */
  readonly since: Instant;
  readonly passed: WorkflowRun | undefined;
  readonly evidence: Evidence;
  readonly changes: Changes | undefined;
}

/** GitHub's limit is 65,536 characters; bytes are never fewer. */
const mostBytes = 65_000;
/** Leaves people room to write. */
const mostBodyBytes = 60_000;
const logSizes = [6000, 1500, 0];

/** What people wrote around our part stays; where it leaves little room, logs are shortened. Undefined to leave all as it is. */
export function issueBody(told: Told, before?: string): Markdown | undefined {
  const body = before ?? `${beginOf(told.workflow)}${end}`;
  const made = logSizes.map((logBytes) => replaced(told.workflow, body, () => `\n${held(ours(told, logBytes))}\n`));
  return made.find((each) => each !== undefined && byteLength(each) <= mostBodyBytes);
}

/** The first paragraph of our part says how things stand; what follows is folded away. */
export function passedBody(
  workflow: Workflow,
  before: string,
  closing: { passed: WorkflowRun; failed: number; since: Instant },
): Markdown | undefined {
  const made = replaced(workflow, before, (part) => {
    const [, rest = ""] = /\n\n([^]*)$/.exec(part) ?? [];
    const last = rest === "" ? [] : ["<details><summary>The last run that failed</summary>", rest.trim(), "</details>"];
    return `\n${[`✅ ${closedSentence(closing)}`, ...last].join("\n\n")}\n`;
  });
  return made !== undefined && byteLength(made) <= mostBytes ? made : undefined;
}

/** "have failed" for tests, "has failed" for the rest. */
const isPlural = (workflow: Workflow): boolean => /\btests$/i.test(nameOf(workflow));

function standing({ workflow, failed, newest, since }: Told): Markdown {
  const name = `**${plainLine(nameOf(workflow))}**`;
  const have = isPlural(workflow) ? "have" : "has";
  return failed.length === 1
    ? `🚨 ${name} ${outcomeWords[newest.outcome]} on ${time(newest.endedAt)}.`
    : `🚨 ${name} ${have} failed ${atLeast(failed.length)} times in a row, since ${time(since)}.`;
}

const triggers = new Map([
  ["schedule", "its schedule"],
  ["workflow_dispatch", "somebody by hand"],
  ["push", "a push"],
]);

function facts({ workflow, newest, passed, evidence }: Told): Markdown {
  const trigger = triggers.get(newest.trigger);
  const raw = inlineCode(newest.trigger);
  const lines = [
    `Newest run: ${runName(newest)}, ${outcomeWords[newest.outcome]} on ${time(newest.endedAt)}`,
    ...(workflow.kind === "actions" ? [`Workflow: ${inlineCode(`.github/workflows/${workflow.file}`)}`] : []),
    `Started by: ${trigger === undefined ? raw : `${trigger} (${raw})`}`,
    ...(evidence.level === undefined ? [] : [`Level: ${inlineCode(evidence.level)}`]),
    `Last success: ${passed === undefined ? "none that is known" : `${runName(passed)}, on ${time(passed.endedAt)}`}`,
  ];
  return lines.map((line) => `- ${line}`).join("\n");
}

const shownJobs = 10;
const name = (text: string): Markdown => inlineCode(clipBytes(text, 120, { keep: "start" }));

function failing({ evidence, newest }: Told): Markdown {
  const lines = evidence.failing.slice(0, shownJobs).map(({ job, step, url }) => {
    const at = step === undefined ? "" : `, at its step ${name(step)}`;
    return `- job ${name(job)}${at}${url === undefined ? "" : ` (${link("its log", url)})`}`;
  });
  const left = evidence.failing.length - lines.length;
  const more = left > 0 ? [`- and ${count(left, "more job")}`] : [];
  const none = newest.outcome === "startup_failure" ? "No job was started." : "Which job failed could not be read.";
  return ["### What failed", lines.length === 0 ? none : [...lines, ...more].join("\n")].join("\n\n");
}

function logs({ evidence }: Told, logBytes: number): Markdown {
  if (logBytes === 0) return "";
  const share = Math.floor(logBytes / Math.max(1, evidence.logs.length));
  const parts = evidence.logs
    .filter(({ text }) => text !== "")
    .map(
      ({ job, text }) => `The log of ${name(job)} ends:\n\n${fence(clipBytes(text, share, { keep: "end" }), "text")}`,
    );
  return parts.join("\n\n");
}

function changed({ workflow, newest, passed, changes }: Told): Markdown {
  if (workflow.kind === "service" || passed?.sha === undefined || newest.sha === undefined) return "";
  const title = "### What changed since the last success";
  const outside = " Look outside of it: what is downloaded, a secret that ran out, a service that is away.";
  const same = `Nothing in this repository: both ran on ${inlineCode(newest.sha.slice(0, 7))}.`;
  if (passed.sha === newest.sha) return `${title}\n\n${same}${newest.outcome === "startup_failure" ? "" : outside}`;
  if (changes === undefined) return `${title}\n\nThe two commits cannot be compared.`;
  const lines = changes.commits.map(
    ({ sha, url, title: said, by }) =>
      `- ${link(inlineCode(sha.slice(0, 7)), url)} ${plainLine(clipBytes(said, 120, { keep: "start" }))}${by === "" ? "" : `, by ${plainLine(by)}`}`,
  );
  const left = changes.total - lines.length;
  const more = left > 0 ? [`- and ${count(left, "earlier commit")}`] : [];
  const all = `${link("The whole difference", changes.url)} (${count(changes.total, "commit")})`;
  return [title, [...lines, ...more].join("\n"), all].filter((part) => part !== "").join("\n\n");
}

function next({ workflow, newest, evidence }: Told): Markdown {
  const [first] = evidence.failing;
  const page = link("the page of the run", newest.url);
  const words: Readonly<Record<WorkflowRun["outcome"], Markdown>> = {
    passed: "",
    failure: `Read how the log ends. If that is a passing trouble outside, run it again from ${page}: a success closes this issue.`,
    timed_out: `See on ${page} which step took so long. Make it shorter, or give it more with \`timeout-minutes\`.`,
    startup_failure: `GitHub could not start it and says why on ${page}: mostly the workflow's file has a mistake, or names what is not there.`,
  };
  const own = `See how the log ends, and run it again when that is mended: a success closes this issue.`;
  return [
    "### Next step",
    workflow.kind === "service" ? own : words[newest.outcome],
    "To have Parhelia look for the cause, write this as a comment:",
    fence(`/parhelia run ${instruction(workflow, newest, first)}`, "text"),
  ].join("\n\n");
}

/** Names from outside come without what a command line would read. */
const tame = (text: string): string =>
  clipBytes(
    visible(text)
      .replaceAll(/[^\p{L}\p{N} ._/()-]+/gu, " ")
      .replace(/\s+/g, " ")
      .trim(),
    60,
    { keep: "start" },
  );

function instruction(workflow: Workflow, newest: WorkflowRun, first: Evidence["failing"][number] | undefined): string {
  const what = workflow.kind === "service" ? `${tame(nameOf(workflow))} of Parhelia` : workflow.file;
  const step = first?.step === undefined ? "" : ` at the step ${tame(first.step)}`;
  const job = first === undefined ? "" : `${step === "" ? " in" : " of"} the job ${tame(first.job)}`;
  const run = workflow.kind === "service" ? "" : ` (run ${newest.number})`;
  return `Find out why ${what} fails${step}${job}${run}, and mend it`;
}

const foot =
  "<sub>Parhelia keeps this part up to date. The title, the labels and what you write above or below stay as you leave them. Closed as not planned, it stays closed.</sub>";

const ours = (told: Told, logBytes: number): Markdown =>
  [standing(told), facts(told), failing(told), logs(told, logBytes), changed(told), next(told), foot]
    .filter((part) => part !== "")
    .join("\n\n");
