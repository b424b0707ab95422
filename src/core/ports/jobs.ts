import type { Evidence } from "../failures.ts";
import type { JobName, Times } from "../schedule.ts";

/** How a job went. All words of it are untrusted. */
export interface JobOutcome extends Omit<Evidence, "logs"> {
  readonly outcome: "passed" | "failure";
  /** One line. */
  readonly words: string;
  /** What it put out. */
  readonly log: string;
}

/** What the service does for its operator at set times. */
export interface Job {
  readonly name: JobName;
  readonly times: Times;
  /** Repeatable: a service may die in the middle. Throws a `Refusal` that names what the operator can do. */
  run(): Promise<JobOutcome>;
}

export interface Schedule {
  readonly jobs: readonly Job[];
  /** `owner/name` of the operator's, where a failure becomes an issue. */
  readonly repository: string | undefined;
}
