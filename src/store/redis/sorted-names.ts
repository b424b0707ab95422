/**
 * The names of all keys in their order, each once: SCAN gives them in none, and some of them twice. They are kept in a
 * temporary database, which SQLite holds on disk where it grows, and which is gone when it is closed.
 */
import { DatabaseSync } from "node:sqlite";
import { text } from "../sqlite/node-sqlite.ts";

export interface SortedNames {
  add(names: readonly (readonly [name: string, note: string])[]): void;
  /** The note that a name was first added with. */
  note(name: string): string | undefined;
  /** Names that begin with `prefix`, in order, `size` at a time. */
  pages(prefix: string, size: number): Iterable<readonly string[]>;
  close(): void;
}

export function openSortedNames(): SortedNames {
  const db = new DatabaseSync("");
  db.exec("CREATE TABLE name (name TEXT NOT NULL PRIMARY KEY, note TEXT NOT NULL) STRICT, WITHOUT ROWID");
  const prepare = (query: string) => db.prepare(query, { returnArrays: true });
  const insert = prepare("INSERT OR IGNORE INTO name (name, note) VALUES (?, ?)");
  const find = prepare("SELECT note FROM name WHERE name = ?");
  const next = prepare("SELECT name FROM name WHERE name > ? AND name < ? ORDER BY name LIMIT ?");
  return {
    add(names) {
      db.exec("BEGIN");
      for (const [name, note] of names) insert.run(name, note);
      db.exec("COMMIT");
    },
    note(name) {
      const row = find.get(name);
      return row && text(row, 0);
    },
    *pages(prefix, size) {
      // All names are printable ASCII, and this comes after it.
      const end = `${prefix}\u007f`;
      for (let after = prefix; ;) {
        const page = next.all(after, end, size).map((row) => text(row, 0));
        const last = page.at(-1);
        if (last === undefined) return;
        yield page.map((name) => name.slice(prefix.length));
        after = last;
      }
    },
    close: () => db.close(),
  };
}
