/**
 * A commit made ready: checked, and with its values as JSON text. Done when the caller hands it over, so that a mistake
 * is the caller's alone, what happens to an object afterwards does not matter, and the size of a batch is known.
 */
import type { Commit, Json, LeaseAct, Put, Trim } from "../core/ports/store.ts";

export interface Plan {
  readonly op: string;
  /** Whole milliseconds. */
  readonly nowMs: number;
  readonly versions: NonNullable<Commit["versions"]>;
  readonly leases: readonly PlannedLease[];
  readonly add: NonNullable<Commit["add"]>;
  readonly puts: readonly PlannedPut[];
  readonly appends: readonly { readonly log: string; readonly values: readonly string[] }[];
  readonly trims: readonly Trim[];
  readonly wake: readonly string[];
  /** Length of all values; a character is at most three bytes on disk. */
  readonly characters: number;
}

export interface PlannedPut extends Pick<Put, "key" | "ensure" | "if"> {
  /** JSON text; undefined deletes. */
  readonly value: string | undefined;
  /** As the document keeps them: one a line, index, tab, sort. */
  readonly entries: string;
  readonly untilMs: number | undefined;
}

export interface PlannedLease extends Omit<LeaseAct, "ttlMs"> {
  /** When the lease ends; for `take` and `renew` only. */
  readonly untilMs: number | undefined;
}

/** Throws an Error that names the member at fault and never a value. */
export function plan(commit: Commit): Plan {
  const nowMs = wholeMs(commit.now, "now");
  const leases = (commit.leases ?? []).map((act) => plannedLease(act, nowMs));
  const changedLeases = leases.filter(({ act }) => act !== "hold").map(({ name }) => name);
  if (new Set(changedLeases).size < changedLeases.length) {
    throw new Error("a commit may take, renew or release a lease once");
  }
  for (const { counter, by, min, max } of commit.add ?? []) {
    named(counter, "a counter");
    if (![by, min ?? 0, max ?? 0].every(Number.isSafeInteger)) {
      throw new Error(`counter ${counter}: by, min and max must be safe integers`);
    }
  }
  const puts = (commit.put ?? []).map(plannedPut);
  const appends = (commit.append ?? []).map(({ log, values }) => ({
    log: named(log, "a log"),
    values: values.map((value) => jsonText(value, `log ${log}`)),
  }));
  return {
    op: named(commit.op, "an operation"),
    nowMs,
    versions: commit.versions ?? [],
    leases,
    add: commit.add ?? [],
    puts,
    appends,
    trims: (commit.trim ?? []).map(plannedTrim),
    wake: commit.wake ?? [],
    characters: lengthOf(puts.map((put) => put.value ?? "")) + lengthOf(appends.flatMap(({ values }) => values)),
  };
}

function plannedPut(put: Put): PlannedPut {
  const key = named(put.key, "a document");
  const lines = (put.entries ?? []).map(([index, sort]) => {
    if (!printable.test(sort)) throw new Error(`document ${key}: a sort key must be printable ASCII`);
    return `${named(index, "an index")}\t${sort}`;
  });
  // An expired document is only skipped when it is read by its key; entries of its own would still lead to it.
  if (put.until !== undefined && lines.length > 0) throw new Error(`document ${key} has both until and entries`);
  return {
    key,
    value: put.value === undefined ? undefined : jsonText(put.value, `document ${key}`),
    entries: [...new Set(lines)].join("\n"),
    untilMs: put.until === undefined ? undefined : wholeMs(put.until, `until of document ${key}`),
    ...(put.ensure && { ensure: put.ensure }),
    ...(put.if && { if: put.if }),
  };
}

function plannedTrim({ log, below }: Trim): Trim {
  named(log, "a log");
  if (below === "everything" || (Number.isSafeInteger(below) && below >= 0)) return { log, below };
  throw new Error(`log ${log}: it is trimmed below a whole number, or of everything`);
}

function plannedLease({ ttlMs, ...act }: LeaseAct, nowMs: number): PlannedLease {
  named(act.name, "a lease");
  if (act.act === "hold" || act.act === "release") return { ...act, untilMs: undefined };
  if (ttlMs === undefined) throw new Error(`lease ${act.name}: ${act.act} needs ttlMs`);
  return { ...act, untilMs: wholeMs(nowMs + ttlMs, `ttlMs of lease ${act.name}`) };
}

const printable = /^[\x20-\x7e]*$/;

/** Names order as bytes in every store and stand on lines of their own: printable ASCII, not empty. */
function named(name: string, what: string): string {
  if (name !== "" && printable.test(name)) return name;
  throw new Error(`the name of ${what} must be printable ASCII and not empty`);
}

/** Instants are kept as whole milliseconds; a part of one, as a jittered delay gives, counts as a whole. */
export function wholeMs(instant: number, what: string): number {
  const ms = Math.ceil(instant);
  if (Number.isSafeInteger(ms)) return ms;
  throw new Error(`${what} must be a number of milliseconds`);
}

function jsonText(value: Json, what: string): string {
  try {
    return JSON.stringify(value);
  } catch {
    // Without the cause: its message may quote a member of the value.
    throw new Error(`the value of ${what} cannot be written as JSON`);
  }
}

const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);
