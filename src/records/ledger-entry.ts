/**
 * The ledger's lines: append-only, one for each slice, charge, release and adjustment. Counters are kept beside them in the
 * same commits, so that a ceiling is one bound; the lines are what the counters are checked against.
 */
import { z } from "zod";
import { monthOf } from "../core/budget.ts";
import { AttemptId, TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import { pricesAsOf } from "../core/pricing.ts";
import { repositoryKey, type Origin } from "../core/task.ts";
import { logs } from "./document.ts";
import type { Effects } from "./task-put.ts";

/** Whose money it is. */
export const Payer = z.object({
  user: z.int().min(0),
  /** `r500001`, or `local`. */
  repository: z.string(),
  installation: z.int().positive().optional(),
});
export type Payer = z.output<typeof Payer>;

export const payerOf = ({ place, actor }: Origin): Payer => ({
  user: actor.id,
  repository: repositoryKey(place),
  ...(place.kind === "issue" ? { installation: place.installation } : {}),
});

export const Meter = z.enum(["model", "compute"]);
export type Meter = z.output<typeof Meter>;

/** What a charge was for. */
export const Used = z.object({
  /** As the API names it. */
  model: z.string().optional(),
  /** Set where the price table does not have the model, and the dearest price was taken. */
  unknownModel: z.literal(true).optional(),
  /** Set where nobody saw what was used, and the worst case was taken. */
  worstCase: z.literal(true).optional(),
  inputTokens: z.int().optional(),
  outputTokens: z.int().optional(),
  cacheWrite5mTokens: z.int().optional(),
  cacheWrite1hTokens: z.int().optional(),
  cacheReadTokens: z.int().optional(),
  webSearches: z.int().optional(),
  /** Milliseconds of a sandbox. */
  ms: z.int().optional(),
});
export type Used = z.output<typeof Used>;

export const Entry = z.object({
  do: z.enum(["slice", "charge", "release", "adjustment"]),
  /** `<attempt>/<meter>/<number>`: a slice is drawn and settled once. An adjustment has a name of its own. */
  slice: z.string(),
  /** The UTC instant that it belongs to: that of its day and its month. */
  at: Instant,
  /** Micro-dollars; below zero only where an adjustment takes away. */
  amount: z.int(),
  meter: Meter.optional(),
  task: TaskId.optional(),
  attempt: AttemptId.optional(),
  payer: Payer.optional(),
  /** The purses whose counters it moved. */
  scopes: z.array(z.string()),
  /** Date of the price table. */
  prices: z.string().optional(),
  used: Used.optional(),
  /** Why it was adjusted, and by whom. */
  because: z.string().optional(),
});
export type Entry = z.output<typeof Entry>;

/** Each line is in the log of the month that it belongs to. */
export const entryAppends = (entries: readonly Entry[]): Effects["append"] =>
  entries.map((entry) => ({ log: logs.ledger(monthOf(entry.at)), values: [entry] }));

/** What a line says of the slice that it is about. */
export interface Drawn {
  readonly id: string;
  readonly kind: Meter;
  readonly attempt: AttemptId;
  readonly payer?: Payer | undefined;
}

export const aboutSlice = (
  { id, kind, attempt, payer }: Drawn,
  task: TaskId,
): Pick<Entry, "slice" | "meter" | "task" | "attempt" | "payer" | "prices"> => ({
  slice: id,
  meter: kind,
  task,
  attempt,
  prices: pricesAsOf,
  ...(payer === undefined ? {} : { payer }),
});
