/**
 * What node:sqlite gives without a type, checked. Rows are read as arrays (a fifth faster than objects) and only through
 * these functions, which look at every cell; no message carries what a cell holds, for it may be somebody's text. Errors
 * are told apart by SQLite's codes and never by their words.
 */
import type { StatementSync } from "node:sqlite";
import type { Json } from "../../core/ports/store.ts";
import { storedJson } from "../stored-json.ts";

/** One row of a statement that was prepared with `returnArrays`. */
export type Row = NonNullable<ReturnType<StatementSync["get"]>>;

export function text(row: Row | undefined, column: number): string {
  const cell = row?.[column];
  if (typeof cell !== "string") throw new Error(`the database holds no text in column ${column} of a row`);
  return cell;
}

export function whole(row: Row | undefined, column: number): number {
  const cell = row?.[column];
  if (typeof cell !== "number") throw new Error(`the database holds no number in column ${column} of a row`);
  return cell;
}

export function wholeOrNull(row: Row, column: number): number | undefined {
  return row[column] === null ? undefined : whole(row, column);
}

/** The value whose JSON text is in this column; `what` names it where the text is damaged. */
export function json(row: Row, column: number, what: string): Json {
  return storedJson(text(row, column), what);
}

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html). */
export const sqliteCode = { busy: 5, notADatabase: 26 } as const;

/** Extended codes keep the primary one in their low byte. */
export const isSqlite = (error: unknown, code: number): boolean =>
  error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === code;
