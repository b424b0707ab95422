/** Reads: each query along one key or one index, all of them in one snapshot. */
import type { Answers, AnswerTo, Document, Entry, Hit, Line, Query } from "../../core/ports/store.ts";
import { storedJson } from "../stored-json.ts";
import { json, text, whole, type Row } from "./node-sqlite.ts";
import type { Statements } from "./statements.ts";
import { documentRow, unlessPast } from "./working-set.ts";

type RangeQuery = Extract<Query, { range: string }>;
type ReadQuery = Extract<Query, { read: string }>;

/** Every key is printable ASCII, and this comes after all of it. */
const afterEveryKey = "\u{10FFFF}";

/** Throws on a fault; the answers are in the order of the queries. */
export function look<const Q extends readonly Query[]>(statements: Statements, nowMs: number, queries: Q): Answers<Q> {
  const all = (): Answers<Q> => answers(statements, nowMs, queries);
  if (queries.length === 1 && queries[0] !== undefined && !("each" in queries[0])) return all();
  return statements.transact("BEGIN", all);
}

/** The same within a transaction that is under way. */
export function answers<const Q extends readonly Query[]>(
  statements: Statements,
  nowMs: number,
  queries: Q,
): Answers<Q> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the mapped type cannot be built member by member; `answer` gives each query what `AnswerTo` says.
  return queries.map((query) => answer(statements, nowMs, query)) as Answers<Q>;
}

function answer(statements: Statements, nowMs: number, query: Query): AnswerTo<Query> {
  if ("get" in query) return getDocument(statements, nowMs, query.get);
  if ("counter" in query) {
    const row = statements.counter.get(query.counter);
    return row === undefined ? 0 : whole(row, 0);
  }
  return "range" in query ? range(statements, query) : read(statements, query);
}

function getDocument(statements: Statements, nowMs: number, key: string): Document | undefined {
  const row = unlessPast(documentRow(statements, key), nowMs);
  return row && { key, version: row.version, value: storedJson(row.value, `document ${key}`) };
}

function range(statements: Statements, { range, from = "", to, after, limit, back, each }: RangeQuery): Hit[] {
  // Bounds without the bound itself, on (sort, key); no key is empty or comes after `afterEveryKey`.
  let low: readonly [sort: string, key: string] = [from, ""];
  let high: readonly [sort: string, key: string] = [to ?? afterEveryKey, afterEveryKey];
  if (after !== undefined && back && (to === undefined || after.sort <= to)) high = [after.sort, after.key];
  if (after !== undefined && !back && after.sort >= from) low = [after.sort, after.key];
  const statement = back ? statements.rangeBack : statements.range;
  return statement.all(range, ...low, ...high, bounded(limit)).map((row) => {
    const entry = entryOf(row);
    return { ...entry, heads: each === undefined ? [] : heads(statements, each.prefix + entry.key, each.limit) };
  });
}

function heads(statements: Statements, index: string, limit: number): Entry[] {
  if (limit !== 1) return statements.heads.all(index, bounded(limit)).map(entryOf);
  // `get` for one row costs about half of what `all` does.
  const head = statements.heads.get(index, 1);
  return head === undefined ? [] : [entryOf(head)];
}

function read(statements: Statements, { read, after, before, limit, back }: ReadQuery): Line[] {
  const statement = back ? statements.readBack : statements.read;
  return statement
    .all(read, after ?? 0, before ?? Number.MAX_SAFE_INTEGER, bounded(limit))
    .map((row) => ({ number: whole(row, 0), value: json(row, 1, `log ${read}`) }));
}

function entryOf(row: Row): Entry {
  const key = text(row, 1);
  // The join leaves the document's columns empty where there is none.
  if (row[2] === null) return { key, sort: text(row, 0), document: undefined };
  return {
    key,
    sort: text(row, 0),
    document: { key, version: whole(row, 2), value: json(row, 3, `document ${key}`) },
  };
}

/** SQLite takes a negative limit for none at all. */
function bounded(limit: number): number {
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw new Error("the limit of a query must be a whole number from 0");
}
