/** The ledger's lines as a file that other programs read: a JSON object a line, or a table for a spreadsheet. */
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import type { Entry } from "../records/ledger-entry.ts";
import { entriesOf } from "../records/recount.ts";

export interface LedgerExport {
  /** `2026-11`. */
  readonly month: string;
  readonly format: "jsonl" | "csv";
}

/** The lines of one month, oldest first, read from the store as they are asked for. */
export async function* ledgerLines(
  store: Store,
  now: Instant,
  { month, format }: LedgerExport,
): AsyncGenerator<string> {
  if (format === "csv") yield columns.join(",");
  for await (const entry of entriesOf(store, now, month)) {
    const row = rowOf(entry);
    yield format === "csv"
      ? columns.map((column) => csvCell(row[column])).join(",")
      : JSON.stringify({ ...row, scopes: entry.scopes });
  }
}

/** By its name, for a file that says nothing else. */
export const formatOf = (file: string | undefined): LedgerExport["format"] =>
  file?.toLowerCase().endsWith(".csv") === true ? "csv" : "jsonl";

type Cell = string | number | boolean | undefined;

function rowOf(entry: Entry): Record<Column, Cell> {
  const { payer, used } = entry;
  return {
    at: new Date(entry.at).toISOString(),
    do: entry.do,
    slice: entry.slice,
    amount_usd: exactUsd(entry.amount),
    amount_micro_usd: entry.amount,
    meter: entry.meter,
    task: entry.task,
    attempt: entry.attempt,
    user: payer?.user,
    repository: payer?.repository,
    installation: payer?.installation,
    scopes: entry.scopes.join(" "),
    prices: entry.prices,
    model: used?.model,
    unknown_model: used?.unknownModel,
    worst_case: used?.worstCase,
    input_tokens: used?.inputTokens,
    output_tokens: used?.outputTokens,
    cache_write_5m_tokens: used?.cacheWrite5mTokens,
    cache_write_1h_tokens: used?.cacheWrite1hTokens,
    cache_read_tokens: used?.cacheReadTokens,
    web_searches: used?.webSearches,
    sandbox_ms: used?.ms,
    because: entry.because,
  };
}

const columns = [
  ...(["at", "do", "slice", "amount_usd", "amount_micro_usd", "meter", "task", "attempt"] as const),
  ...(["user", "repository", "installation", "scopes", "prices", "model", "unknown_model", "worst_case"] as const),
  ...(["input_tokens", "output_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"] as const),
  ...(["cache_read_tokens", "web_searches", "sandbox_ms", "because"] as const),
] as const;
type Column = (typeof columns)[number];

/** All six decimals, so that no digit of the ledger is lost: `-1.200000`. */
function exactUsd(microUsd: number): string {
  const digits = String(Math.abs(microUsd)).padStart(7, "0");
  return `${microUsd < 0 ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

const number = /^-?\d+(?:\.\d+)?$/;

/** RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front; a number stays one. */
export function csvCell(cell: Cell): string {
  const text = String(cell ?? "");
  const safe = /^[=+\-@\t\r]/.test(text) && !number.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
