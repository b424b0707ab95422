/**
 * The place that tasks come from and results go to: GitHub, or a git repository on this machine.
 * Each call may be repeated after a crash and then finds what it did before.
 */
import type { Base, Published, Task, Actor, Place } from "../task.ts";
import type { Attempt, Heard } from "../attempt.ts";
import type { Sha } from "../ids.ts";
import type { Instant } from "../instant.ts";
import type { MicroUsd } from "../money.ts";
import type { ManifestEntry, RepositoryToken } from "../protocol.ts";
import type { Role } from "../role.ts";
import type { Settings } from "../settings/settings.ts";

/** All that a report shows of a task. */
export interface TaskView {
  readonly task: Task;
  readonly attempt: Attempt | undefined;
  readonly heard: Heard | undefined;
  readonly spent: MicroUsd;
  readonly model: MicroUsd;
  /** Tasks of the same repository that are ahead in the queue. */
  readonly ahead: number;
  /** Why nothing new starts while it waits for a slot, in an operator's words, which are text; absent where things start. */
  readonly halted?: string | undefined;
  /** What its sandbox will cost, for the time before it has one; absent where nobody looked it up. */
  readonly microUsdPerHour?: MicroUsd | undefined;
  readonly now: Instant;
}

/** Where a report stands on the forge; kept by the records between calls, written by the forge. */
export interface ReportPlace {
  readonly comment?: number | undefined;
  /** Check run for each reported commit. */
  readonly checks: Readonly<Record<string, number>>;
  /** Why the comment cannot be written (locked, blocked); it is not tried again. */
  readonly blocked?: string | undefined;
}

export type ReportResult =
  | { readonly done: true; readonly place: ReportPlace }
  /** The forge asked us to wait; what was done so far is in `place`. */
  | { readonly done: false; readonly until: Instant; readonly place: ReportPlace };

/** `branch` keeps the work of a failed task without asking anybody to merge it; a draft is to be looked at, and gone on with. */
export type PublishAs = "pull-request" | "draft" | "branch";

export interface PublishRequest {
  readonly view: TaskView;
  readonly base: Base;
  readonly as: PublishAs;
  /** The changed files, in order, streamed from the store. */
  changes(): AsyncIterable<ManifestEntry>;
}

export interface Forge {
  /** The actor's present right at this place. Throws when it cannot be learned: that is a fault, not a refusal. */
  authority(place: Place, actor: Actor): Promise<Role>;
  /** Pins what the task starts from. Throws a `Refusal` when the ref does not exist. */
  pin(task: Task): Promise<Base>;
  report(view: TaskView, place: ReportPlace): Promise<ReportResult>;
  /** Throws a `Refusal` when the result may not be published. */
  publish(request: PublishRequest): Promise<Published>;
  /** What holds for work at this place. Throws a `Refusal` that names what is wrong in settings that cannot be used. */
  settings(place: Place): Promise<Settings>;
  /** Shows on the pull request what is wrong in the settings that its head brings, where it changes them. */
  checkSettings(place: Place, head: Sha): Promise<void>;
  /**
   * Who put it on last, and when, if the issue or pull request bears it now; "somebody" where that is not known any more. Case
   * makes no difference.
   */
  labelOn(place: Place, label: string): Promise<{ readonly by: number; readonly at: Instant } | "somebody" | undefined>;
  /** Also where it is not there, and where nobody can take it off any more. */
  removeLabel(place: Place, label: string): Promise<void>;
  /** Posts once: `marker` is hidden in it and looked for before a repeated post. */
  reply(place: Place, marker: string, body: string): Promise<void>;
  /** Read-only, for the task's repository alone; minted when asked for. */
  repositoryToken(task: Task): Promise<RepositoryToken>;
}
