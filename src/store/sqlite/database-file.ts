/**
 * Where a database lies on disk. It holds the text of tasks and the state of money, so only its owner may read it;
 * and it must have one name however it is reached, or two processes would lock two different engine files.
 */
import { closeSync, mkdirSync, openSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isSqlite, sqliteCode } from "./node-sqlite.ts";
import { acceptedVersion, migrate } from "./schema.ts";

/** The path that SQLite and this store understand as "nowhere": the database ends with its connection. */
export const inMemory = ":memory:";

/** How long a commit waits while another process writes. The wait holds the event loop. */
const busyTimeoutMs = 5000;

/**
 * Opens the database, makes its tables, or brings an older one to the present version.
 * Throws an Error that names the file and the cure where it belongs to a newer release or to another program.
 */
export function openDatabase(path: string): DatabaseSync {
  const place = path === inMemory ? inMemory : realPlace(path);
  if (place !== inMemory) createPrivately(place);
  const db = new DatabaseSync(place, { timeout: busyTimeoutMs, enableForeignKeyConstraints: false });
  try {
    // Before anything else, for the next line would change a file that is not ours.
    acceptedVersion(db, place);
    switchToWal(db, 20);
    // FULL: a commit that was answered survives a loss of power. The cache is 32 MiB; a long WAL file is cut to 64 MiB.
    db.exec("PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; PRAGMA journal_size_limit = 67108864");
    migrate(db, place);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Kept in the file: a new one switches once, and for an older one it changes nothing. */
function switchToWal(db: DatabaseSync, attempts: number): void {
  try {
    db.exec("PRAGMA journal_mode = WAL");
  } catch (error) {
    if (!isSqlite(error, sqliteCode.busy) || attempts === 1) throw error;
    // Another process is making the same file, and the switch fails at once where a writer would wait: so wait as one.
    db.exec("BEGIN IMMEDIATE; ROLLBACK");
    switchToWal(db, attempts - 1);
  }
}

/** The file's absolute path without symbolic links. Makes its folder, with mode 0700, where there is none. */
export function realPlace(path: string): string {
  const folder = dirname(resolve(path));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const place = join(realpathSync(folder), basename(path));
  try {
    return realpathSync(place);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return place;
    throw error;
  }
}

/** Makes an empty file with mode 0600 where there is none; SQLite gives its helper files the same mode. */
export function createPrivately(place: string): void {
  try {
    // Never opens a file that exists: closing any descriptor of it would drop the locks that this process holds on it.
    closeSync(openSync(place, "wx", 0o600));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

/** `code` of a Node error, for example `ENOENT`. */
const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
