/**
 * A file of SQLite below the four calls. Reading is one transaction, and so one state, beside a service at work too.
 * Writing has the engine's lock: no service can start on a store that is being filled.
 */
import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import type { Instant } from "../../core/instant.ts";
import { Refusal } from "../../core/refusal.ts";
import { entriesOf, type Item } from "../archive.ts";
import { importKey, markText, readMark, type Mark } from "../import-mark.ts";
import type { Batch, RawStore, Standing } from "../move.ts";
import { openDatabase } from "./database-file.ts";
import { lockEngine } from "./engine-lock.ts";
import { text, whole, wholeOrNull } from "./node-sqlite.ts";
import { prepareStatements, type Statements } from "./statements.ts";

/** To read from alone. Throws a `Refusal` where there is no such file. */
export function openSqliteSource(path: string): RawStore {
  if (!existsSync(path)) throw new Refusal(`There is no store at ${path}: nothing was kept there yet.`);
  return rawStore(path, () => undefined);
}

/** To write to; the file is made where there is none. Throws a `Refusal` while an engine has it. */
export function openSqliteTarget(path: string): RawStore {
  const lock = lockEngine(path);
  if (lock === undefined) throw new Refusal(`A Parhelia works on ${path}. Stop it, and import then.`);
  try {
    return rawStore(path, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

function rawStore(path: string, release: () => void): RawStore {
  const db = openOurs(path);
  const statements = prepareStatements(db);
  return {
    kind: "sqlite",
    place: path,
    standing: async () => standing(db, statements),
    read: (now) => read(db, now),
    indexed: async () => whole(row(db, "SELECT count(*) FROM entry"), 0),
    write: async (batch) => statements.transact("BEGIN IMMEDIATE", () => write(statements, batch)),
    async finish() {
      statements.deleteDocument.run(importKey);
    },
    async close() {
      db.close();
      release();
    },
  };
}

function openOurs(path: string): DatabaseSync {
  try {
    return openDatabase(path);
  } catch (error) {
    throw new Refusal(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

const row = (db: DatabaseSync, query: string) => db.prepare(query, { returnArrays: true }).get();

function markOf(statements: Statements): Mark | undefined {
  const document = statements.document.get(importKey);
  return document && readMark(text(document, 1));
}

/** Whatever was ever written leaves a row in one of these, or a fence. */
const tables = ["document", "counter", "log", "lease", "op"] as const;

function standing(db: DatabaseSync, statements: Statements): Standing {
  const mark = markOf(statements);
  if (mark !== undefined) return { kind: "importing", mark };
  const isUsed =
    tables.some((table) => row(db, `SELECT 1 FROM ${table} LIMIT 1`) !== undefined) ||
    whole(statements.fence.get(), 0) > 0;
  return { kind: isUsed ? "used" : "empty" };
}

async function* read(db: DatabaseSync, now: Instant): AsyncIterable<Item> {
  const rows = (query: string, ...bound: (number | string)[]) =>
    db.prepare(query, { returnArrays: true }).iterate(...bound);
  db.exec("BEGIN");
  try {
    const documents = `SELECT key, version, entries, until, value FROM document
      WHERE key <> ? AND (until IS NULL OR until > ?) ORDER BY key`;
    for (const each of rows(documents, importKey, now))
      yield {
        kind: "document",
        key: text(each, 0),
        version: whole(each, 1),
        entries: text(each, 2),
        untilMs: wholeOrNull(each, 3),
        value: text(each, 4),
      };
    for (const each of rows("SELECT name, value FROM counter ORDER BY name"))
      yield { kind: "counter", name: text(each, 0), value: whole(each, 1) };
    for (const each of rows("SELECT log, number, value FROM log ORDER BY log, number"))
      yield { kind: "line", log: text(each, 0), number: whole(each, 1), value: text(each, 2) };
    yield { kind: "fence", last: whole(row(db, "SELECT last FROM fence WHERE id = 1"), 0) };
  } finally {
    db.exec("ROLLBACK");
  }
}

function write(statements: Statements, { items, from, to }: Batch): void {
  const mark = markOf(statements);
  if ((mark && markText(mark)) !== (from && markText(from)))
    throw new Refusal("Another import into this store is at work.");
  for (const item of items) writeItem(statements, item);
  statements.putDocument.run(importKey, 1, markText(to), "", null);
}

function writeItem(statements: Statements, item: Item): void {
  switch (item.kind) {
    case "document":
      statements.putDocument.run(item.key, item.version, item.value, item.entries, item.untilMs ?? null);
      for (const entry of entriesOf(item.entries)) statements.putEntry.run(...entry, item.key);
      return;
    case "counter":
      statements.putCounter.run(item.name, item.value);
      return;
    case "line":
      statements.append.run(item.log, item.number, item.value);
      return;
    case "fence":
      statements.putFence.run(item.last);
  }
}
