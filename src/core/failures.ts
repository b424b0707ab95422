/**
 * A workflow that fails and its one issue. Deliveries come late, twice and in any order, so what is known of the runs is a
 * set from which all else follows; `nextFailureStep` says what the issue lacks. A person's hand on the issue counts more.
 */
import { z } from "zod";
import { InstallationId } from "./ids.ts";
import { Instant } from "./instant.ts";
import { Repository } from "./task.ts";

/** A workflow of GitHub Actions by its file, or a job that the service itself does for its operator. */
export const Workflow = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("actions"),
    installation: InstallationId,
    repository: Repository,
    /** Its name below `.github/workflows/`. */
    file: z.string(),
    /** What people call it; untrusted. */
    name: z.string(),
    /** The repository's default branch, whose runs count. */
    branch: z.string(),
  }),
  z.object({
    kind: z.literal("service"),
    /** The operator's, as `owner/name`. */
    repository: z.string(),
    job: z.enum(["image-rebuild", "e2e"]),
  }),
]);
export type Workflow = z.output<typeof Workflow>;

/** What failed where, and how it ended; untrusted. */
export const Evidence = z.object({
  /** How much was tested: smoke, core, full. */
  level: z.string().optional(),
  failing: z.array(z.object({ job: z.string(), step: z.string().optional(), url: z.string().optional() })),
  /** Ends of what was put out, each of a job. */
  logs: z.array(z.object({ job: z.string(), text: z.string() })),
});
export type Evidence = z.output<typeof Evidence>;

export const WorkflowRun = z.object({
  /** Grows from run to run of a workflow. */
  number: z.int().min(0),
  /** From 1; a run that is run again keeps its number. */
  attempt: z.int().min(1),
  outcome: z.enum(["passed", "failure", "timed_out", "startup_failure"]),
  endedAt: Instant,
  /** GitHub's; absent where the service did it itself. */
  id: z.int().positive().optional(),
  url: z.string().optional(),
  /** What started it: `schedule`, `push`. */
  trigger: z.string(),
  title: z.string(),
  sha: z.string().optional(),
  /** Where nobody can be asked for it later. */
  evidence: Evidence.optional(),
});
export type WorkflowRun = z.output<typeof WorkflowRun>;

/** The issue as we left it. */
export const FailureIssue = z.object({
  number: z.int().positive(),
  /** GitHub's id; an issue that was moved to another repository gets a new one. */
  id: z.int().positive(),
  left: z.enum(["open", "closed"]),
  /** The first failed run that it was open for, and when that ended. */
  first: z.int().min(0),
  since: Instant,
  /** What it tells of last (`toldOf`). */
  told: z.string(),
  /** Set once it was said that it stays closed. */
  noted: z.literal(true).optional(),
});
export type FailureIssue = z.output<typeof FailureIssue>;

/** A workflow that failed every hour would else grow without end. */
export const mostRuns = 30;

/** The runs with this one among them, oldest first; undefined where it tells nothing new. */
export function withRun(runs: readonly WorkflowRun[], run: WorkflowRun): WorkflowRun[] | undefined {
  const before = runs.find(({ number }) => number === run.number);
  if (before !== undefined && before.attempt >= run.attempt) return undefined;
  const all = [...runs.filter((each) => each !== before), run].toSorted((one, other) => one.number - other.number);
  const kept = all.slice(-mostRuns);
  if (!kept.includes(run)) return undefined;
  const newest = kept.at(-1);
  return kept.map(({ evidence, ...rest }) =>
    rest.number === newest?.number && evidence ? { ...rest, evidence } : rest,
  );
}

export interface RunsStanding {
  readonly passed: WorkflowRun | undefined;
  /** Those after the last that passed, oldest first. */
  readonly failed: readonly WorkflowRun[];
}

export function standingOf(runs: readonly WorkflowRun[]): RunsStanding {
  const at = runs.findLastIndex(({ outcome }) => outcome === "passed");
  return { passed: runs[at], failed: runs.slice(at + 1) };
}

/** Names what an issue tells of. */
export function toldOf(failed: readonly WorkflowRun[]): string {
  const newest = failed.at(-1);
  return newest === undefined ? "" : `${newest.number}/${newest.attempt} of ${failed.length}`;
}

/** The issue as GitHub has it. */
export interface IssueThere {
  readonly state: "open" | "closed";
  /** `completed`, `not_planned`, `duplicate`, `reopened`, or null. */
  readonly reason: string | null;
  readonly closedAt: Instant | undefined;
}

export type FailureStep =
  /** There is none: make one. */
  | { readonly do: "open"; readonly failed: readonly WorkflowRun[] }
  | { readonly do: "update"; readonly failed: readonly WorkflowRun[] }
  | { readonly do: "reopen"; readonly failed: readonly WorkflowRun[] }
  /** Say once that it stays closed, as somebody decided. */
  | { readonly do: "note"; readonly failed: readonly WorkflowRun[] }
  /** `passed` ended what had failed so often. */
  | { readonly do: "close"; readonly passed: WorkflowRun; readonly failed: number }
  /** It is closed already; nobody need be told. */
  | { readonly do: "settle" }
  | { readonly do: "nothing" };

/** `there` is undefined where there is no issue, or no longer. */
export function nextFailureStep(
  runs: readonly WorkflowRun[],
  issue: (FailureIssue & { readonly there: IssueThere }) | undefined,
  watched: "watched" | "not watched",
): FailureStep {
  const { passed, failed } = standingOf(runs);
  const isWatched = watched === "watched";
  if (issue === undefined) return failed.length > 0 && isWatched ? { do: "open", failed } : { do: "nothing" };
  const { there } = issue;
  if (failed.length === 0 && passed !== undefined && issue.left === "open") {
    if (there.state === "closed") return { do: "settle" };
    const ended = runs.filter(({ number, outcome }) => outcome !== "passed" && number >= issue.first);
    // A run that passed when it was run again took the place of the one that failed.
    return { do: "close", passed, failed: Math.max(1, ended.length) };
  }
  if (failed.length === 0 || !isWatched || issue.told === toldOf(failed)) return { do: "nothing" };
  if (there.state === "open") return { do: "update", failed };
  if (there.reason === "not_planned" || there.reason === "duplicate")
    return issue.noted ? { do: "nothing" } : { do: "note", failed };
  const newest = failed.at(-1);
  // Who closed it as done knew of what had ended before that.
  const isNews = issue.left === "closed" || newest === undefined || newest.endedAt > (there.closedAt ?? 0);
  return { do: isNews ? "reopen" : "update", failed };
}
