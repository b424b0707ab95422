/**
 * The store's four calls. Everything durable goes through `commit`; everything known comes from `look`.
 * Keys, index names, counters and topics are ASCII; `sort` keys order as bytes.
 */
import type { Instant } from "../instant.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** One operation: all of it or nothing. Conditions are judged first, on the state before the commit. */
export interface Commit {
  /** Unique for each operation; a repeated one is answered with the first result and applied once. Kept ten minutes. */
  readonly op: string;
  readonly now: Instant;
  /** Conditions: the document's present version; 0 means that it is absent. Every put adds one to the version. */
  readonly versions?: readonly (readonly [key: string, version: number])[];
  readonly leases?: readonly LeaseAct[];
  /** Added in order; the bounds hold for the value after the addition and are conditions. Absent counters are 0. */
  readonly add?: readonly { counter: string; by: number; min?: number; max?: number }[];
  readonly put?: readonly Put[];
  /** Values are numbered from 1 in each log, in order, without gaps. */
  readonly append?: readonly { log: string; values: readonly Json[] }[];
  /**
   * After the appends. Lines below the number go, but never the last one, so that numbers go on; "everything" leaves the
   * log as if it had never been.
   */
  readonly trim?: readonly Trim[];
  readonly wake?: readonly string[];
}

export interface Put {
  readonly key: string;
  /** The new value; undefined deletes the document with its index entries. */
  readonly value: Json | undefined;
  /** All index entries of the document after this commit; those it had before and not here are removed. */
  readonly entries?: readonly (readonly [index: string, sort: string])[];
  /** Leave the document alone where it already exists (not a condition). */
  readonly ensure?: true;
  /**
   * Done only if the counter, after this commit's additions, is within the bounds, or the document has this version (0: is
   * absent); otherwise skipped. Not a condition.
   */
  readonly if?:
    | { readonly counter: string; readonly min?: number; readonly max?: number }
    | { readonly version: number };
  /** The document is gone from this instant on. Such a document has no entries. */
  readonly until?: Instant;
}

export interface Trim {
  readonly log: string;
  readonly below: number | "everything";
}

export interface LeaseAct {
  readonly name: string;
  /**
   * take: free or expired, gives a new fence · renew, release, hold: still ours by holder and fence.
   * `hold` changes nothing; it fences the commit.
   */
  readonly act: "take" | "renew" | "release" | "hold";
  readonly holder: string;
  /** The number that `take` gave; absent when taking. Fences grow over the whole store and never repeat. */
  readonly fence?: number;
  readonly ttlMs?: number;
}

export type CommitResult =
  | {
      readonly ok: true;
      /** One for each lease act, in order. */
      readonly fences: readonly number[];
      /** For each append, in order, the number of its last value. */
      readonly numbers: readonly number[];
    }
  | { readonly ok: false; readonly failed: readonly FailedCondition[] };

/** Every condition that failed, with what the store holds instead: a version, a counter's present value, a holder. */
export type FailedCondition =
  | { readonly kind: "version"; readonly name: string; readonly is: number }
  | { readonly kind: "counter"; readonly name: string; readonly is: number }
  | { readonly kind: "lease"; readonly name: string; readonly is: string };

export type Query =
  | { readonly get: string }
  | { readonly counter: string }
  | {
      /** Entries of an index in order of (sort, key), from and to inclusive; `each` adds the heads of index `prefix + key`. */
      readonly range: string;
      readonly from?: string;
      readonly to?: string;
      /** Go on behind this entry of an earlier answer. */
      readonly after?: { readonly sort: string; readonly key: string };
      readonly limit: number;
      readonly back?: boolean;
      readonly each?: { readonly prefix: string; readonly limit: number };
    }
  | {
      readonly read: string;
      readonly after?: number;
      readonly before?: number;
      readonly limit: number;
      readonly back?: boolean;
    };

export type Document = { readonly key: string; readonly version: number; readonly value: Json };
export type Entry = { readonly key: string; readonly sort: string; readonly document: Document | undefined };
export type Hit = Entry & { readonly heads: readonly Entry[] };
export type Line = { readonly number: number; readonly value: Json };

export type AnswerTo<Q extends Query> = Q extends { get: string }
  ? Document | undefined
  : Q extends { counter: string }
    ? number
    : Q extends { range: string }
      ? readonly Hit[]
      : readonly Line[];

export type Answers<Q extends readonly Query[]> = { -readonly [I in keyof Q]: AnswerTo<Q[I]> };

/** `answers` are there after a refusal too: what stands in the way needs no further call. */
export type Committed<Q extends readonly Query[]> = CommitResult & { readonly answers: Answers<Q> };

/** Whose commit it was: one of this process, or another's, which may be at work on what follows. */
export type WakeFrom = "here" | "elsewhere";

export interface Store {
  /**
   * Resolves after the write is safe on disk. Rejects only on a fault, and then nothing was written. What is `asked` is answered in
   * the same call, as a look at the commit's `now` would be: in one snapshot that has this commit, where it was done, and
   * maybe others that were given after it.
   */
  commit<const Q extends readonly Query[] = readonly []>(commit: Commit, asked?: Q): Promise<Committed<Q>>;
  /** One consistent snapshot. Documents past their `until` at `now` are absent. */
  look<const Q extends readonly Query[]>(now: Instant, queries: Q): Promise<Answers<Q>>;
  /** A hint, possibly early, late or lost, that a topic has news. Returns the way to stop. */
  onWake(listener: (topic: string, from: WakeFrom) => void): () => void;
  close(): Promise<void>;
}
