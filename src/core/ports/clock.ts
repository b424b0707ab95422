import type { AttemptId, TaskId } from "../ids.ts";
import type { Instant } from "../instant.ts";

export interface Clock {
  now(): Instant;
}

/** Where unique names and secrets come from. */
export interface Ids {
  task(): TaskId;
  /** 16 random hexadecimal digits that join what a person saw to one line of the log. */
  trace(): string;
  /** At least 128 random bits, for an operation of the store or a holder of a lease. */
  unique(): string;
}

/** The bearer token of an attempt: derived from a key that the service keeps, so that it is never stored. */
export type AttemptTokens = {
  issue(attempt: AttemptId): string;
  /** The attempt that this token belongs to, or undefined. Takes the same time for every wrong token. */
  verify(token: string): AttemptId | undefined;
};
