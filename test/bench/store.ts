/**
 * What the store costs beside plain SQL. All candidates write the same row, durably, and take turns in one run, so that
 * the ratios hold on a machine whose speed changes. Run it by `npm run bench`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Instant } from "../../src/core/instant.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

const rounds = 9;
const commitsPerRound = 640;
/** Callers at one time; also the rows of one transaction of the raw peer. */
const group = 64;
const document = { what: "x".repeat(300) };
const body = JSON.stringify(document);
const now = Instant.parse(1_800_000_000_000);

interface Candidate {
  readonly name: string;
  /** Writes `commitsPerRound` rows and returns when all are on disk. */
  round(number: number): Promise<void>;
  close(): Promise<void>;
}

function throughStore(name: string, path: string, atOnce: number): Candidate {
  const store = openSqliteStore({ path, pollMs: 0 });
  return {
    name,
    close: () => store.close(),
    async round(number) {
      for (let done = 0; done < commitsPerRound; done += atOnce) {
        const ids = Array.from({ length: atOnce }, (_, index) => `${number}-${done + index}`);
        const results = await Promise.all(
          ids.map((id) =>
            store.commit({ op: id, now, versions: [[`row/${id}`, 0]], put: [{ key: `row/${id}`, value: document }] }),
          ),
        );
        if (results.some(({ ok }) => !ok)) throw new Error("a commit of the bench was refused");
      }
    },
  };
}

function rawSql(name: string, path: string, rowsPerTransaction: number): Candidate {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  db.exec("CREATE TABLE row (key TEXT PRIMARY KEY, version INTEGER NOT NULL, value TEXT NOT NULL) WITHOUT ROWID");
  const insert = db.prepare("INSERT INTO row VALUES (?, 1, ?)");
  return {
    name,
    close: async () => db.close(),
    async round(number) {
      for (let done = 0; done < commitsPerRound; done += rowsPerTransaction) {
        db.exec("BEGIN IMMEDIATE");
        for (let row = 0; row < rowsPerTransaction; row += 1) insert.run(`${number}-${done + row}`, body);
        db.exec("COMMIT");
      }
    },
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const directory = mkdtempSync(join(tmpdir(), "parhelia-bench-"));
try {
  const at = (name: string): string => join(directory, `${name}.db`);
  const candidates = [
    throughStore(`store, ${group} callers at once`, at("store-grouped"), group),
    throughStore("store, one caller", at("store-single"), 1),
    rawSql(`SQL, ${group} rows a transaction`, at("sql-grouped"), group),
    rawSql("SQL, one row a transaction", at("sql-single"), 1),
  ] as const;
  const ratesOf = new Map<string, number[]>(candidates.map(({ name }) => [name, []]));
  // Round 0 warms up and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    for (const candidate of candidates) {
      const from = performance.now();
      await candidate.round(round);
      const rate = commitsPerRound / ((performance.now() - from) / 1000);
      if (round > 0) ratesOf.get(candidate.name)?.push(rate);
    }
  }
  for (const candidate of candidates) await candidate.close();
  const rate = (index: 0 | 1 | 2 | 3): number => median(ratesOf.get(candidates[index].name) ?? []);
  const line = (words: string, value: string): void => console.log(`${words.padEnd(58)} ${value}`);
  console.log(`Durable commits, median of ${rounds} rounds of ${commitsPerRound}, Node ${process.version}\n`);
  for (const index of [0, 1, 2, 3] as const) line(candidates[index].name, `${Math.round(rate(index))}/s`);
  console.log("");
  line("store: grouped ÷ single", (rate(0) / rate(1)).toFixed(1));
  line("grouped: store ÷ SQL", (rate(0) / rate(2)).toFixed(2));
  line("single: store ÷ SQL", (rate(1) / rate(3)).toFixed(2));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
