/** Where the demonstration's sandboxes run, and what only their kind has to show. */
import type { TaskView } from "../../../src/core/ports/forge.ts";
import type { Check } from "./check.ts";

export type BackendName = "local" | "modal";

export interface Site {
  readonly path: string;
  /** For everything that is written down. */
  readonly directory: string;
  /** Where the service's `.parhelia` folder is. */
  readonly root: string;
  /** Of the service, beside what its sandboxes need. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Backend {
  /** What the sandboxes are, for the introduction. */
  readonly words: string;
  /** For the service. */
  readonly env: Readonly<Record<string, string>>;
  /** What an hour of the task's sandbox costs whoever pays for it, by their own account of it. */
  microUsdPerHour(view: TaskView): Promise<number>;
  /** What has to be true when all tasks are at their end. */
  checks(views: readonly TaskView[]): Promise<readonly Check[]>;
  /** When the service has ended. */
  close(): Promise<void>;
}
