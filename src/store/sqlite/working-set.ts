/**
 * What a batch works on: each row that one of its commits asks for, read once, changed in memory, and written once at
 * the end however many commits changed it. What is past is taken away on the way, a bounded part with each batch.
 */
import { minuteMs } from "../../core/instant.ts";
import { text, whole, wholeOrNull } from "./node-sqlite.ts";
import type { Statements } from "./statements.ts";

/** How long a repeated operation is known (core/ports/store.ts). */
export const opKeptMs = 10 * minuteMs;

/** More than a batch can add, so that what is past grows ever smaller; few enough not to be felt. */
const purgedPerBatch = 128;

export interface DocumentRow {
  readonly version: number;
  /** JSON text. */
  readonly value: string;
  /** One a line: index, tab, sort. */
  readonly entries: string;
  readonly untilMs: number | undefined;
}

export interface LeaseRow {
  readonly holder: string;
  readonly fence: number;
  readonly untilMs: number;
}

export interface OpRow {
  readonly atMs: number;
  /** JSON text of a successful result. */
  readonly result: string;
}

/** One row: as the database has it, and as the commits so far leave it. */
interface Cell<T> {
  readonly stored: T;
  present: T;
}

interface Cells<T> {
  at(name: string): Cell<T>;
  /** Those whose present value is another than the stored one. */
  changed(): Iterable<readonly [name: string, cell: Cell<T>]>;
}

export interface WorkingSet {
  readonly documents: Cells<DocumentRow | undefined>;
  readonly counters: Cells<number>;
  readonly leases: Cells<LeaseRow | undefined>;
  /** The last number of each log, 0 where it is empty. */
  readonly tails: Cells<number>;
  readonly ops: Cells<OpRow | undefined>;
  /** One cell, whatever the name. */
  readonly fence: Cells<number>;
  /** What happens to the logs, in order. */
  readonly logChanges: LogChange[];
}

/** A line that is added, or all lines below a number that go. */
export type LogChange =
  | { readonly do: "append"; readonly log: string; readonly number: number; readonly value: string }
  | { readonly do: "trim"; readonly log: string; readonly below: number };

export function openWorkingSet(statements: Statements): WorkingSet {
  return {
    documents: cells((key) => documentRow(statements, key)),
    counters: cells((name) => {
      const row = statements.counter.get(name);
      return row === undefined ? 0 : whole(row, 0);
    }),
    leases: cells((name) => {
      const row = statements.lease.get(name);
      return row && { holder: text(row, 0), fence: whole(row, 1), untilMs: whole(row, 2) };
    }),
    tails: cells((log) => {
      const row = statements.logTail.get(log);
      return row === undefined ? 0 : whole(row, 0);
    }),
    ops: cells((op) => {
      const row = statements.op.get(op);
      return row && { atMs: whole(row, 0), result: text(row, 1) };
    }),
    fence: cells(() => whole(statements.fence.get(), 0)),
    logChanges: [],
  };
}

/** The row as this store's rules see it: undefined where the instant of its end has come. */
export function unlessPast<T extends { readonly untilMs: number | undefined }>(
  row: T | undefined,
  nowMs: number,
): T | undefined {
  return row?.untilMs !== undefined && row.untilMs <= nowMs ? undefined : row;
}

export function documentRow(statements: Statements, key: string): DocumentRow | undefined {
  const row = statements.document.get(key);
  return row && { version: whole(row, 0), value: text(row, 1), entries: text(row, 2), untilMs: wholeOrNull(row, 3) };
}

function cells<T>(load: (name: string) => T): Cells<T> {
  const loaded = new Map<string, Cell<T>>();
  return {
    at(name) {
      const known = loaded.get(name);
      if (known !== undefined) return known;
      const stored = load(name);
      const cell = { stored, present: stored };
      loaded.set(name, cell);
      return cell;
    },
    *changed() {
      for (const named of loaded) if (named[1].stored !== named[1].present) yield named;
    },
  };
}

/**
 * For a batch in which at least one commit was done. `nowMs` is the earliest of the batch: nothing that a commit of it
 * may still need is past.
 */
export function write(working: WorkingSet, statements: Statements, nowMs: number): void {
  for (const [key, { stored, present }] of working.documents.changed()) writeDocument(statements, key, stored, present);
  for (const [name, { present }] of working.counters.changed()) {
    // An absent counter is 0, so that one of a task that ended leaves nothing behind.
    if (present === 0) statements.deleteCounter.run(name);
    else statements.putCounter.run(name, present);
  }
  for (const [name, { present }] of working.leases.changed()) writeLease(statements, name, present);
  for (const [, { present }] of working.fence.changed()) statements.putFence.run(present);
  for (const change of working.logChanges) {
    if (change.do === "append") statements.append.run(change.log, change.number, change.value);
    else statements.trim.run(change.log, change.below);
  }
  for (const [op, { present }] of working.ops.changed()) {
    if (present !== undefined) statements.putOp.run(op, present.atMs, present.result);
  }
  statements.purgeOps.run(nowMs - opKeptMs, purgedPerBatch);
  statements.purgeDocuments.run(nowMs, purgedPerBatch);
  statements.purgeLeases.run(nowMs, purgedPerBatch);
}

function writeDocument(
  statements: Statements,
  key: string,
  stored: DocumentRow | undefined,
  present: DocumentRow | undefined,
): void {
  if (present === undefined) statements.deleteDocument.run(key);
  else {
    const { version, value, entries, untilMs } = present;
    statements.putDocument.run(key, version, value, entries, untilMs ?? null);
  }
  const before = stored?.entries ?? "";
  const after = present?.entries ?? "";
  if (before === after) return;
  const old = linesOf(before);
  const now = linesOf(after);
  for (const line of old) if (!now.has(line)) statements.deleteEntry.run(...entryOf(line), key);
  for (const line of now) if (!old.has(line)) statements.putEntry.run(...entryOf(line), key);
}

function writeLease(statements: Statements, name: string, lease: LeaseRow | undefined): void {
  if (lease === undefined) statements.deleteLease.run(name);
  else statements.putLease.run(name, lease.holder, lease.fence, lease.untilMs);
}

const linesOf = (entries: string): ReadonlySet<string> => new Set(entries === "" ? [] : entries.split("\n"));

function entryOf(line: string): [index: string, sort: string] {
  const tab = line.indexOf("\t");
  return [line.slice(0, tab), line.slice(tab + 1)];
}
