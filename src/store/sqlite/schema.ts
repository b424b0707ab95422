/**
 * The tables, and the rule that a database only ever moves forward: a file that a newer release wrote, or that is not
 * ours at all, is refused before anything is changed in it.
 */
import type { DatabaseSync } from "node:sqlite";
import { isSqlite, sqliteCode } from "./node-sqlite.ts";
import { whole } from "./node-sqlite.ts";

/** "Parh"; SQLite keeps it in the header of the file. */
const applicationId = 0x50_61_72_68;

/**
 * Step n turns a database of version n into one of version n + 1. A step that was released is never edited.
 * Documents and their values may be long, so theirs is a table with a rowid; the others are read along their keys.
 */
const migrations: readonly string[] = [
  `CREATE TABLE document (
     key TEXT NOT NULL PRIMARY KEY,
     version INTEGER NOT NULL,
     value TEXT NOT NULL,
     -- The document's own index entries, one a line: index, tab, sort.
     entries TEXT NOT NULL,
     until INTEGER
   ) STRICT;
   CREATE INDEX document_until ON document (until) WHERE until IS NOT NULL;
   CREATE TABLE entry (
     "index" TEXT NOT NULL, sort TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY ("index", sort, key)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE counter (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE lease (
     name TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, fence INTEGER NOT NULL, until INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX lease_until ON lease (until);
   CREATE TABLE fence (id INTEGER PRIMARY KEY CHECK (id = 1), last INTEGER NOT NULL) STRICT;
   INSERT INTO fence (id, last) VALUES (1, 0);
   CREATE TABLE log (
     log TEXT NOT NULL, number INTEGER NOT NULL, value TEXT NOT NULL, PRIMARY KEY (log, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE op (op TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, result TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE INDEX op_at ON op (at);`,
];

const schemaVersion = migrations.length;

/** The schema version of the database, 0 for an empty one. Throws where the file is newer, or not Parhelia's. */
export function acceptedVersion(db: DatabaseSync, place: string): number {
  const { version, id, tables } = headerOf(db, place);
  if (id === applicationId) {
    if (version <= schemaVersion) return version;
    throw new Error(
      `${place} has schema version ${version}, and this release of Parhelia knows versions up to ${schemaVersion}. ` +
        `Install the release that wrote it, or a later one, or restore a backup that was made before the upgrade.`,
    );
  }
  if (id === 0 && version === 0 && tables === 0) return 0;
  throw notOurs(place);
}

/** Brings an accepted database to the present version; all steps or none, and once however many processes start. */
export function migrate(db: DatabaseSync, place: string): void {
  if (acceptedVersion(db, place) === schemaVersion) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    // Read again under the lock: another process may have done it in between.
    for (const step of migrations.slice(acceptedVersion(db, place))) db.exec(step);
    db.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}; COMMIT`);
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

function headerOf(db: DatabaseSync, place: string): { version: number; id: number; tables: number } {
  try {
    // One statement, so one snapshot: between two, another process may have made the tables.
    const text = `SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
      FROM pragma_user_version, pragma_application_id`;
    const row = db.prepare(text, { returnArrays: true }).get();
    return { version: whole(row, 0), id: whole(row, 1), tables: whole(row, 2) };
  } catch (error) {
    if (isSqlite(error, sqliteCode.notADatabase)) throw notOurs(place, error);
    throw error;
  }
}

const notOurs = (place: string, cause?: unknown): Error =>
  new Error(
    `${place} is not a database of Parhelia, and nothing was changed in it. ` +
      `Give the path of another file; one that does not exist is created.`,
    { cause },
  );
