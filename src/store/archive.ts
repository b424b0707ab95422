/**
 * A store as lines of JSON, the same ones from whichever kind of store they come: documents by key, counters by name,
 * lines of logs by log and number, then the last fence. A header stands before them, counts and a hash behind.
 *
 * Leases and remembered operations stay behind. They are short-lived: whoever holds a lease or may repeat an operation
 * is a process of the old store, and none of those goes on with the new one. Fences must go on growing, so that none
 * that was ever given is valid again.
 */
import { createHash, type Hash } from "node:crypto";
import { z } from "zod";
import type { Instant } from "../core/instant.ts";

export type StoreKind = "sqlite" | "redis";

export type Item =
  | {
      readonly kind: "document";
      readonly key: string;
      readonly version: number;
      /** As the document keeps them: one a line, index, tab, sort. */
      readonly entries: string;
      readonly untilMs: number | undefined;
      /** JSON text, as are the values of logs. */
      readonly value: string;
    }
  | { readonly kind: "counter"; readonly name: string; readonly value: number }
  | { readonly kind: "line"; readonly log: string; readonly number: number; readonly value: string }
  | { readonly kind: "fence"; readonly last: number };

export interface Counts {
  readonly documents: number;
  /** Entries of indexes, which the documents carry. */
  readonly entries: number;
  readonly counters: number;
  readonly lines: number;
}

const format = "parhelia-store";
/** Raised when an older release could not read the file any more. */
export const formatVersion = 1;

export const Header = z.strictObject({
  format: z.literal(format),
  version: z.int(),
  at: z.iso.datetime(),
  from: z.enum(["sqlite", "redis"]),
});

/** What every version of the format has, newer ones too. */
export const AnyHeader = z.looseObject({ format: z.literal(format), version: z.int() });

const count = z.int().min(0);
export const Trailer = z.strictObject({
  end: z.literal(format),
  documents: count,
  entries: count,
  counters: count,
  lines: count,
  /** Of all lines before this one, each with its line feed. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type Trailer = z.output<typeof Trailer>;

const name = z.string().regex(/^[\x20-\x7e]+$/);
const value = z.unknown().refine((each) => each !== undefined, "is missing");
const DocumentLine = z
  .strictObject({
    document: name,
    version: z.int().min(1),
    entries: z.array(z.tuple([name, z.string().regex(/^[\x20-\x7e]*$/)])),
    until: z.int().optional(),
    value,
  })
  .refine(({ until, entries }) => until === undefined || entries.length === 0, "has both until and entries");
const CounterLine = z.strictObject({ counter: name, value: z.int().refine((each) => each !== 0) });
const LogLine = z.strictObject({ log: name, number: z.int().min(1), value });
const FenceLine = z.strictObject({ fence: count });

const headerLine = (from: StoreKind, at: Instant): string =>
  JSON.stringify({ format, version: formatVersion, at: new Date(at).toISOString(), from });

const trailerLine = (counts: Counts, sha256: string): string => JSON.stringify({ end: format, ...counts, sha256 });

/** Values are put in as they are kept, so that not one byte of them changes on the way. */
export function itemLine(item: Item): string {
  switch (item.kind) {
    case "document": {
      const until = item.untilMs === undefined ? "" : `,"until":${item.untilMs}`;
      const entries = JSON.stringify(entriesOf(item.entries));
      return `{"document":${JSON.stringify(item.key)},"version":${item.version},"entries":${entries}${until},"value":${item.value}}`;
    }
    case "counter":
      return `{"counter":${JSON.stringify(item.name)},"value":${item.value}}`;
    case "line":
      return `{"log":${JSON.stringify(item.log)},"number":${item.number},"value":${item.value}}`;
    case "fence":
      return `{"fence":${item.last}}`;
  }
}

/** The item that a parsed line holds, undefined where it is of no known kind. Throws a `ZodError` where it is not whole. */
export function itemOf(line: object): Item | undefined {
  if ("document" in line) {
    const { document: key, version, entries, until: untilMs, value: kept } = DocumentLine.parse(line);
    const lines = entries.map((entry) => entry.join("\t")).join("\n");
    return { kind: "document", key, version, entries: lines, untilMs, value: JSON.stringify(kept) };
  }
  if ("counter" in line) {
    const { counter, value: amount } = CounterLine.parse(line);
    return { kind: "counter", name: counter, value: amount };
  }
  if ("log" in line) {
    const { value: kept, ...rest } = LogLine.parse(line);
    return { kind: "line", ...rest, value: JSON.stringify(kept) };
  }
  if ("fence" in line) return { kind: "fence", last: FenceLine.parse(line).fence };
  return undefined;
}

export function entriesOf(entries: string): [index: string, sort: string][] {
  if (entries === "") return [];
  return entries.split("\n").map((line) => {
    const tab = line.indexOf("\t");
    return [line.slice(0, tab), line.slice(tab + 1)];
  });
}

/** Whether one item stands before another in a file. Names are ASCII, so that this order is every store's own. */
export function isBefore(one: Item, other: Item): boolean {
  const [a, b] = [placeOf(one), placeOf(other)];
  if (a.rank !== b.rank) return a.rank < b.rank;
  return a.name === b.name ? a.number < b.number : a.name < b.name;
}

function placeOf(item: Item): { rank: number; name: string; number: number } {
  switch (item.kind) {
    case "document":
      return { rank: 1, name: item.key, number: 0 };
    case "counter":
      return { rank: 2, name: item.name, number: 0 };
    case "line":
      return { rank: 3, name: item.log, number: item.number };
    case "fence":
      return { rank: 4, name: "", number: 0 };
  }
}

/** What the last line says of all before it. */
export interface Tally {
  /** Without its line feed; `item` where the line holds one. */
  add(line: string | Uint8Array, item?: Item): void;
  counts(): Counts;
  /** No line can be added afterwards. */
  end(): Trailer;
}

export function openTally(): Tally {
  const hash: Hash = createHash("sha256");
  const counts = { documents: 0, entries: 0, counters: 0, lines: 0 };
  return {
    add(line, item) {
      hash.update(line).update("\n");
      if (item?.kind === "document") {
        counts.documents += 1;
        counts.entries += entriesOf(item.entries).length;
      }
      if (item?.kind === "counter") counts.counters += 1;
      if (item?.kind === "line") counts.lines += 1;
    },
    counts: () => ({ ...counts }),
    end: () => ({ end: format, ...counts, sha256: hash.digest("hex") }),
  };
}

/** All lines of a file, each without its line feed; `tell` hears how many items there were so far. */
export async function* archiveLines(
  { from, at, items }: { from: StoreKind; at: Instant; items: AsyncIterable<Item> },
  tell: (counts: Counts) => void,
): AsyncIterable<string> {
  const tally = openTally();
  const header = headerLine(from, at);
  tally.add(header);
  yield header;
  for await (const item of items) {
    const line = itemLine(item);
    tally.add(line, item);
    yield line;
    tell(tally.counts());
  }
  const { end: _, sha256, ...counts } = tally.end();
  yield trailerLine(counts, sha256);
}
