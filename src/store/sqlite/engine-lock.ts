/**
 * Says "the engine of this database runs in this process". The lock is the operating system's, held through a second
 * small SQLite file, so the kernel frees it at any death of the process; no file is left that only looks like a lock.
 */
import { DatabaseSync } from "node:sqlite";
import { createPrivately, inMemory, realPlace } from "./database-file.ts";
import { isSqlite, sqliteCode } from "./node-sqlite.ts";

export interface EngineLock {
  release(): void;
}

/**
 * Takes the lock for the database at this path, in the file `<path>-engine` beside it; undefined where somebody has
 * it already. Does not wait. Throws where the file cannot be made. A database in memory has no other process.
 */
export function lockEngine(path: string): EngineLock | undefined {
  if (path === inMemory) return { release: () => undefined };
  return lockFile(`${realPlace(path)}-engine`);
}

/** Takes the lock that is this file, which is made where there is none; undefined where another process has it. Does not wait. */
export function lockFile(place: string): EngineLock | undefined {
  createPrivately(place);
  const db = new DatabaseSync(place, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (isSqlite(error, sqliteCode.busy)) return undefined;
    throw error;
  }
  return {
    release() {
      if (db.isOpen) db.close();
    },
  };
}
