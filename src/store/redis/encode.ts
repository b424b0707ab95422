/** How commits and looks stand in a call of a script, and how its answers are read. */
import type { AnswerTo, CommitResult, Entry, FailedCondition, Hit, Json, Query } from "../../core/ports/store.ts";
import type { Plan, PlannedPut } from "../plan.ts";
import { storedJson } from "../stored-json.ts";

/** A commit with what it asks along. */
export interface Asking {
  readonly plan: Plan;
  readonly asked: readonly Json[];
}

/** Names of the pieces under which the value of a put was sent before, by the put. */
export type Pieces = ReadonlyMap<PlannedPut, readonly string[]>;

/** The arguments of one call: all commits as JSON, who makes them, then their values, each named by its position. */
export function commitArguments(asking: readonly Asking[], by: string, pieces: Pieces): string[] {
  const values: string[] = [];
  // Two arguments stand before them.
  const positionOf = (value: string): number => values.push(value) + 2;
  const commits = asking.map(({ plan, asked }) => ({
    op: plan.op,
    now: plan.nowMs,
    versions: plan.versions,
    leases: plan.leases.map(({ untilMs, ...act }) => ({ ...act, until: untilMs })),
    add: plan.add,
    puts: plan.puts.map((put) => ({
      key: put.key,
      entries: put.entries,
      ensure: put.ensure,
      if: put.if,
      until: put.untilMs,
      pieces: pieces.get(put),
      value: put.value === undefined || pieces.has(put) ? undefined : positionOf(put.value),
    })),
    appends: plan.appends.map(({ log, values: lines }) => ({ log, values: lines.map(positionOf) })),
    trims: plan.trims,
    wake: plan.wake,
    asked,
  }));
  return [JSON.stringify(commits), by, ...values];
}

export interface Decided {
  readonly result: CommitResult | { readonly fault: string };
  readonly answers: readonly unknown[];
}

/** Throws where the answer is none of the script's. */
export function decided(answer: unknown): Decided {
  const [result, answers] = listOf(answer);
  return { result: commitResult(result), answers: listOf(answers) };
}

function commitResult(answer: unknown): CommitResult | { readonly fault: string } {
  const [kind, ...rest] = texts(answer);
  if (kind === "ok") return { ok: true, fences: numbers(rest[0]), numbers: numbers(rest[1]) };
  if (kind === "fault") return { fault: rest[0] ?? "no reason was given" };
  if (kind !== "no") throw unreadable("a commit");
  const failed = Array.from({ length: rest.length / 3 }, (_, at) => condition(rest.slice(3 * at, 3 * at + 3)));
  return { ok: false, failed };
}

function condition([kind, name = "", is = ""]: readonly string[]): FailedCondition {
  if (kind === "lease") return { kind, name, is };
  if (kind === "version" || kind === "counter") return { kind, name, is: Number(is) };
  throw unreadable("a refusal");
}

/** Bounds of entries: `(` leaves the bound itself out; every key is printable, so it lies between these two. */
const beforeKeys = "\0";
const afterKeys = "\0\u007f";

export interface Look {
  readonly now: number;
  readonly queries: readonly Json[];
}

/** A query as the script reads it. Throws where its limit is no whole number from 0. */
export function wireQuery(query: Query): Json {
  if ("get" in query || "counter" in query) return query;
  if (!Number.isSafeInteger(query.limit) || query.limit < 0) {
    throw new Error("the limit of a query must be a whole number from 0");
  }
  const { limit, back = false } = query;
  if ("read" in query) {
    const { after = 0, before = Number.MAX_SAFE_INTEGER } = query;
    const nothing = before <= 1;
    return {
      read: query.read,
      from: `(${after}-0`,
      to: nothing ? "-" : `(${before}-0`,
      limit: nothing ? 0 : limit,
      back,
    };
  }
  const { range, from = "", to, after, each } = query;
  let low = `(${from}${beforeKeys}`;
  let high = to === undefined ? "+" : `(${to}${afterKeys}`;
  const behind = after === undefined ? "" : `(${after.sort}\0${after.key}`;
  if (after !== undefined && back && (to === undefined || after.sort <= to)) high = behind;
  if (after !== undefined && !back && after.sort >= from) low = behind;
  return { range, from: low, to: high, limit, back, ...(each === undefined ? {} : { each }) };
}

/** Throws where the answer is none of the script's. */
export function answerTo(query: Query, answer: unknown): AnswerTo<Query> {
  const list = listOf(answer);
  if ("get" in query) {
    const [version, value] = texts(list);
    return version === undefined || value === undefined ? undefined : documentOf(query.get, version, value);
  }
  if ("counter" in query) return Number(texts(list)[0] ?? 0);
  if ("range" in query) return list.map(hitOf);
  return list.map((line) => {
    const [number, value = ""] = texts(line);
    return { number: Number(number), value: storedJson(value, `log ${query.read}`) };
  });
}

function hitOf(answer: unknown): Hit {
  const [sort, key, version, value, heads] = listOf(answer);
  return { ...entryOf([sort, key, version, value]), heads: listOf(heads).map(entryOf) };
}

function entryOf(answer: unknown): Entry {
  const [sort = "", key = "", version = "", value = ""] = texts(answer);
  return { key, sort, document: version === "" ? undefined : documentOf(key, version, value) };
}

const documentOf = (key: string, version: string, value: string) => ({
  key,
  version: Number(version),
  value: storedJson(value, `document ${key}`),
});

const numbers = (text: string | undefined): number[] =>
  text === undefined || text === "" ? [] : text.split(",").map(Number);

function listOf(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  throw unreadable("a query");
}

function texts(answer: unknown): readonly string[] {
  const list = listOf(answer);
  if (list.every((each) => typeof each === "string")) return list;
  throw unreadable("a query");
}

const unreadable = (what: string): Error => new Error(`the answer to ${what} cannot be read`);
