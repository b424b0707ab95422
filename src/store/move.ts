/**
 * A store's state into a file and out of one: backup and restore, and the way from one kind of store to the other.
 *
 * An import reads the file three times: to prove that it is whole, before anything is written; to write it, in batches
 * that each say how far they came; and to compare it with what the store then holds.
 */
import type { Instant } from "../core/instant.ts";
import { Refusal } from "../core/refusal.ts";
import { archiveLines, itemLine, type Counts, type Item, type StoreKind, type Trailer } from "./archive.ts";
import { fileSize, readArchive } from "./archive-file.ts";
import type { Mark } from "./import-mark.ts";

/** A store below its four calls: all of it, with the versions and numbers that it gave. */
export interface RawStore {
  readonly kind: StoreKind;
  /** For messages: a path, a host. */
  readonly place: string;
  standing(): Promise<Standing>;
  /**
   * Every item in the order of a file, less what is past at `now` and the mark of an import: one state of the store, or
   * a `Refusal` at the end where somebody wrote meanwhile and the kind of store has no snapshots.
   */
  read(now: Instant): AsyncIterable<Item>;
  /** How many entries all indexes have together. */
  indexed(): Promise<number>;
  /** All of the batch with its mark, or nothing; throws a `Refusal` where the store's mark is not `from`. */
  write(batch: Batch): Promise<void>;
  /** Takes the mark away: the store may be used. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface Batch {
  readonly items: readonly Item[];
  /** Undefined before the first. */
  readonly from: Mark | undefined;
  readonly to: Mark;
  readonly now: Instant;
}

export type Standing =
  | { readonly kind: "empty" }
  | { readonly kind: "used" }
  | { readonly kind: "importing"; readonly mark: Mark };

/** `done` of `of` bytes of the file; an export does not know how much is to come. */
export interface Progress {
  readonly stage: "read" | "check" | "write" | "compare";
  readonly items: number;
  readonly done: number;
  readonly of: number;
}

export interface MoveWorld {
  now(): Instant;
  tell(progress: Progress): void;
}

/** Gives the lines of an archive to `keep`. Throws a `Refusal` where an import into the store has not ended. */
export async function exportStore(
  store: RawStore,
  { now, tell }: MoveWorld,
  keep: (lines: AsyncIterable<string>) => Promise<void>,
): Promise<Counts> {
  const standing = await store.standing();
  if (standing.kind === "importing")
    throw new Refusal(`An import into ${store.place} has not ended. Run it again first: it goes on where it stopped.`);
  const at = now();
  let counts: Counts = { documents: 0, entries: 0, counters: 0, lines: 0 };
  const tallied = (present: Counts): void => {
    counts = present;
    tell({ stage: "read", items: counts.documents + counts.counters + counts.lines, done: 0, of: 0 });
  };
  await keep(archiveLines({ from: store.kind, at, items: store.read(at) }, tallied));
  return counts;
}

/** A script holds up everybody else, and a transaction the event loop, so a batch is bounded. */
export interface BatchSize {
  readonly items: number;
  readonly characters: number;
}
const usual: BatchSize = { items: 500, characters: 1024 * 1024 };

export interface Imported {
  readonly counts: Counts;
  /** Items that an earlier try had written. */
  readonly before: number;
}

/**
 * Fills an empty store from a file, or goes on with it. Throws a `Refusal` before anything is written where the file is
 * not whole or the store holds something else, and at the end where the store does not hold what the file has.
 */
export async function importFile(
  store: RawStore,
  path: string,
  world: MoveWorld,
  most: BatchSize = usual,
): Promise<Imported> {
  const of = await fileSize(path);
  const trailer = await check(path, of, world);
  const standing = await store.standing();
  if (standing.kind === "used")
    throw new Refusal(
      `${store.place} is not empty, and an import would mix two states. Give the address of an empty store, or empty this one.`,
    );
  if (standing.kind === "importing" && standing.mark.sha256 !== trailer.sha256)
    throw new Refusal(
      `An import of another file into ${store.place} has not ended. Run that one again, or empty the store.`,
    );
  const mark = standing.kind === "importing" ? standing.mark : undefined;
  await write(store, { path, of, trailer, mark, most }, world);
  await compare(store, { path, of, trailer }, world);
  await store.finish();
  const { documents, entries, counters, lines } = trailer;
  return { counts: { documents, entries, counters, lines }, before: mark?.items ?? 0 };
}

async function check(path: string, of: number, { tell }: MoveWorld): Promise<Trailer> {
  let items = 0;
  for await (const read of readArchive(path)) {
    if (read.kind === "end") return read.trailer;
    items += 1;
    tell({ stage: "check", items, done: read.bytes, of });
  }
  throw changed(path);
}

interface Filling {
  readonly path: string;
  readonly of: number;
  readonly trailer: Trailer;
  readonly mark: Mark | undefined;
  readonly most: BatchSize;
}

async function write(store: RawStore, filling: Filling, { now, tell }: MoveWorld): Promise<void> {
  const { path, of, trailer, most } = filling;
  let mark = filling.mark;
  let seen = 0;
  let batch: Item[] = [];
  let characters = 0;
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    const to = { sha256: trailer.sha256, items: seen };
    await store.write({ items: batch, from: mark, to, now: now() });
    mark = to;
    batch = [];
    characters = 0;
  };
  for await (const read of readArchive(path)) {
    if (read.kind === "end") {
      if (read.trailer.sha256 !== trailer.sha256) throw changed(path);
      continue;
    }
    seen += 1;
    tell({ stage: "write", items: seen, done: read.bytes, of });
    if (seen <= (filling.mark?.items ?? 0)) continue;
    const length = lengthOf(read.item);
    if (characters + length > most.characters) {
      // Those before it: a long one goes alone.
      seen -= 1;
      await flush();
      seen += 1;
    }
    batch.push(read.item);
    characters += length;
    if (batch.length === most.items) await flush();
  }
  await flush();
}

/**
 * Item by item, as both come in the same order. Documents that have passed by now are left out on both sides: the store
 * may have removed them already.
 */
async function compare(
  store: RawStore,
  { path, of, trailer }: Pick<Filling, "path" | "of" | "trailer">,
  { now, tell }: MoveWorld,
): Promise<void> {
  const at = now();
  const isPast = (item: Item): boolean => item.kind === "document" && item.untilMs !== undefined && item.untilMs <= at;
  const held = store.read(at)[Symbol.asyncIterator]();
  let items = 0;
  try {
    for await (const read of readArchive(path)) {
      const item = read.kind === "item" && !isPast(read.item) ? read.item : undefined;
      if (read.kind === "item" && item === undefined) continue;
      const next = await held.next();
      const there = next.done === true ? undefined : next.value;
      if ((there && itemLine(there)) !== (item && itemLine(item)))
        throw differs(store, read.kind === "item" ? `line ${read.line}` : "the end");
      items += 1;
      tell({ stage: "compare", items, done: read.bytes, of });
    }
  } finally {
    await held.return?.();
  }
  if ((await store.indexed()) !== trailer.entries) throw differs(store, "the entries of the indexes");
}

const lengthOf = (item: Item): number => ("value" in item && typeof item.value === "string" ? item.value.length : 0);

const differs = (store: RawStore, where: string): Refusal =>
  new Refusal(
    `${store.place} does not hold what the file has: they differ at ${where}. ` +
      `Somebody wrote to it meanwhile. Stop every service that uses it, empty it and import again.`,
  );

const changed = (path: string): Refusal => new Refusal(`${path} was changed while it was read. Import it again.`);
