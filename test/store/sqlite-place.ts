/** Databases in folders of their own, which are closed and gone when the test ends. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { onTestFinished } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

export const now = Instant.parse(1_800_000_000_000);

/** The path of a database that does not exist yet, in a folder that does not exist yet. */
export function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "parhelia-sqlite-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "state", "parhelia.db");
}

export function openStore(path: string, pollMs = 0): Store {
  const store = openSqliteStore({ path, pollMs });
  onTestFinished(() => store.close());
  return store;
}

/** A connection of nobody in particular, to look at the file or to break it. */
export function openBeside(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  onTestFinished(() => db.close());
  return db;
}
