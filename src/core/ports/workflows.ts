/** Where workflows run and their failures become issues: GitHub. */
import type { FailureIssue, FailureStep, Workflow, WorkflowRun } from "../failures.ts";
import type { Redact } from "../redact.ts";

export interface FailuresView {
  readonly workflow: Workflow;
  readonly runs: readonly WorkflowRun[];
  readonly issue: FailureIssue | undefined;
  /** What could not be read in a few tries is left out. */
  readonly tries: number;
  readonly redact: Redact;
  /** Rejects where another holder goes on with it: called before an issue is made, which nobody else may make then. */
  claim(): Promise<void>;
}

/** One step towards what the issue should be. After "nothing" and "refused" there is none until another run ends. */
export interface FailuresDone {
  readonly did: FailureStep["do"] | "find" | "refuse";
  readonly issue: FailureIssue | undefined;
  /** Why it is refused, for the operator. */
  readonly because?: string;
}

export interface MissedRuns {
  readonly runs: readonly { readonly workflow: Workflow; readonly runs: readonly WorkflowRun[] }[];
  /** Where to go on; undefined where everything was looked at. */
  readonly next: string | undefined;
  /** Called when they are written down: what stays the same is not told of again. */
  written(): void;
}

export interface Workflows {
  /** Does the next step. Rejects with `Busy`, or with what went wrong; a repeated call finds what was done. */
  show(view: FailuresView): Promise<FailuresDone>;
  /** Runs that ended lately, in a part of all places; from the beginning where nothing is given. Rejects with `Busy`. */
  missed(from: string | undefined): Promise<MissedRuns>;
}
