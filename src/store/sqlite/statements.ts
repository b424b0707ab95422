/** Every statement of the store, prepared once when the database is opened. Each runs along a key or an index. */
import type { DatabaseSync, StatementSync } from "node:sqlite";

export type Statements = ReturnType<typeof prepareReads> & ReturnType<typeof prepareWrites> & Transactions;

interface Transactions {
  /**
   * Runs `work` in a transaction of its own and returns what it returns; nothing of it is written where it throws.
   * `BEGIN IMMEDIATE` waits for other writers; `BEGIN` only reads, takes its snapshot at the first read and waits for
   * nobody.
   */
  transact<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", work: () => T): T;
}

export function prepareStatements(db: DatabaseSync): Statements {
  return {
    ...prepareReads(db),
    ...prepareWrites(db),
    transact(begin, work) {
      db.exec(begin);
      try {
        const result = work();
        db.exec("COMMIT");
        return result;
      } catch (error) {
        // Some faults, a full disk for one, have rolled it back already.
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    },
  };
}

const entryWithDocument = `SELECT entry.sort, entry.key, document.version, document.value
  FROM entry LEFT JOIN document ON document.key = entry.key`;
const between = `WHERE entry."index" = ? AND (entry.sort, entry.key) > (?, ?) AND (entry.sort, entry.key) < (?, ?)`;
const lines = "SELECT number, value FROM log WHERE log = ? AND number > ? AND number < ?";

export function prepareReads(db: DatabaseSync) {
  const prepare = preparer(db);
  return {
    document: prepare("SELECT version, value, entries, until FROM document WHERE key = ?"),
    range: prepare(`${entryWithDocument} ${between} ORDER BY entry.sort, entry.key LIMIT ?`),
    rangeBack: prepare(`${entryWithDocument} ${between} ORDER BY entry.sort DESC, entry.key DESC LIMIT ?`),
    heads: prepare(`${entryWithDocument} WHERE entry."index" = ? ORDER BY entry.sort, entry.key LIMIT ?`),
    counter: prepare("SELECT value FROM counter WHERE name = ?"),
    lease: prepare("SELECT holder, fence, until FROM lease WHERE name = ?"),
    fence: prepare("SELECT last FROM fence WHERE id = 1"),
    logTail: prepare("SELECT number FROM log WHERE log = ? ORDER BY number DESC LIMIT 1"),
    read: prepare(`${lines} ORDER BY number LIMIT ?`),
    readBack: prepare(`${lines} ORDER BY number DESC LIMIT ?`),
    op: prepare("SELECT at, result FROM op WHERE op = ?"),
    dataVersion: prepare("PRAGMA data_version"),
  };
}

export function prepareWrites(db: DatabaseSync) {
  const prepare = preparer(db);
  return {
    putDocument: prepare(`INSERT INTO document (key, version, value, entries, until) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET
        version = excluded.version, value = excluded.value, entries = excluded.entries, until = excluded.until`),
    deleteDocument: prepare("DELETE FROM document WHERE key = ?"),
    purgeDocuments: prepare(`DELETE FROM document
      WHERE rowid IN (SELECT rowid FROM document WHERE until <= ? LIMIT ?)`),
    putEntry: prepare(`INSERT INTO entry ("index", sort, key) VALUES (?, ?, ?)`),
    deleteEntry: prepare(`DELETE FROM entry WHERE "index" = ? AND sort = ? AND key = ?`),
    putCounter: prepare(`INSERT INTO counter (name, value) VALUES (?, ?)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`),
    deleteCounter: prepare("DELETE FROM counter WHERE name = ?"),
    putLease: prepare(`INSERT INTO lease (name, holder, fence, until) VALUES (?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = excluded.fence, until = excluded.until`),
    deleteLease: prepare("DELETE FROM lease WHERE name = ?"),
    purgeLeases: prepare("DELETE FROM lease WHERE name IN (SELECT name FROM lease WHERE until <= ? LIMIT ?)"),
    shortenLeases: prepare("UPDATE lease SET until = ? WHERE until > ?"),
    putFence: prepare("UPDATE fence SET last = ? WHERE id = 1"),
    append: prepare("INSERT INTO log (log, number, value) VALUES (?, ?, ?)"),
    trim: prepare("DELETE FROM log WHERE log = ? AND number < ?"),
    putOp: prepare(`INSERT INTO op (op, at, result) VALUES (?, ?, ?)
      ON CONFLICT (op) DO UPDATE SET at = excluded.at, result = excluded.result`),
    purgeOps: prepare("DELETE FROM op WHERE op IN (SELECT op FROM op WHERE at <= ? LIMIT ?)"),
  };
}

function preparer(db: DatabaseSync): (text: string) => StatementSync {
  return (text) => db.prepare(text, { returnArrays: true });
}
