/**
 * The store's contract as the plainest program that keeps it: maps, and a walk over everything for each question.
 * Slow and obviously right; the property test holds real stores to it. It knows one clock that never goes back.
 */
import type { AnswerTo, Commit, CommitResult, Entry, FailedCondition, Json } from "../../src/core/ports/store.ts";
import type { LeaseAct, Put, Query } from "../../src/core/ports/store.ts";
import { minuteMs } from "../../src/core/instant.ts";

interface Kept {
  readonly version: number;
  readonly value: Json;
  readonly entries: readonly (readonly [index: string, sort: string])[];
  readonly until: number | undefined;
}

interface Held {
  readonly holder: string;
  readonly fence: number;
  readonly until: number;
}

export interface Model {
  commit(commit: Commit): CommitResult;
  look(now: number, query: Query): AnswerTo<Query>;
  /** The fence of a lease as it was taken last, expired or not; 0 where it is nobody's. */
  fenceOf(lease: string): number;
  holderOf(lease: string): string;
}

export function model(): Model {
  const documents = new Map<string, Kept>();
  const counters = new Map<string, number>();
  const leases = new Map<string, Held>();
  const logs = new Map<string, { readonly number: number; readonly value: Json }[]>();
  const ops = new Map<string, { at: number; result: CommitResult }>();
  let fences = 0;

  const live = <T extends { readonly until: number | undefined }>(row: T | undefined, now: number): T | undefined =>
    row !== undefined && (row.until === undefined || row.until > now) ? row : undefined;
  const within = (value: number, bounds: { min?: number; max?: number }): boolean =>
    value >= (bounds.min ?? -Infinity) && value <= (bounds.max ?? Infinity);

  function failures(commit: Commit): FailedCondition[] {
    const failed: FailedCondition[] = [];
    for (const [name, version] of commit.versions ?? []) {
      const is = live(documents.get(name), commit.now)?.version ?? 0;
      if (is !== version) failed.push({ kind: "version", name, is });
    }
    for (const act of commit.leases ?? []) {
      const held = live(leases.get(act.name), commit.now);
      const ours = held !== undefined && held.holder === act.holder && held.fence === act.fence;
      if (act.act === "take" ? held !== undefined : !ours) {
        failed.push({ kind: "lease", name: act.name, is: held?.holder ?? "" });
      }
    }
    const after = new Map(counters);
    for (const { counter: name, by, ...bounds } of commit.add ?? []) {
      after.set(name, (after.get(name) ?? 0) + by);
      if (!within(after.get(name) ?? 0, bounds)) failed.push({ kind: "counter", name, is: counters.get(name) ?? 0 });
    }
    const first = (one: FailedCondition): number =>
      failed.findIndex((other) => other.kind === one.kind && other.name === one.name);
    return failed.filter((one, place) => first(one) === place);
  }

  function lease(act: LeaseAct, now: number): number {
    if (act.act === "take") fences += 1;
    const fence = act.act === "take" ? fences : (act.fence ?? 0);
    if (act.act === "release") leases.delete(act.name);
    else if (act.act !== "hold") leases.set(act.name, { holder: act.holder, fence, until: now + (act.ttlMs ?? 0) });
    return fence;
  }

  const holds = (guard: NonNullable<Put["if"]>, version: number): boolean =>
    "version" in guard ? guard.version === version : within(counters.get(guard.counter) ?? 0, guard);

  function put(put: Put, now: number): void {
    const is = live(documents.get(put.key), now);
    if (put.ensure && is !== undefined) return;
    if (put.if !== undefined && !holds(put.if, is?.version ?? 0)) return;
    const { key, value, entries = [], until } = put;
    if (value === undefined) documents.delete(key);
    else documents.set(key, { version: (is?.version ?? 0) + 1, value, entries, until });
  }

  function entriesOf(index: string, now: number): Entry[] {
    const found: Entry[] = [];
    for (const [key, row] of documents) {
      const document = live(row, now) && { key, version: row.version, value: row.value };
      const sorts = new Set(row.entries.filter(([of]) => of === index).map(([, sort]) => sort));
      if (document !== undefined) for (const sort of sorts) found.push({ key, sort, document });
    }
    return found.sort((one, other) => order(one, other));
  }

  return {
    commit(commit) {
      const known = ops.get(commit.op);
      if (known !== undefined && known.at > commit.now - 10 * minuteMs) return known.result;
      const failed = failures(commit);
      if (failed.length > 0) return { ok: false, failed };
      const given = (commit.leases ?? []).map((act) => lease(act, commit.now));
      for (const { counter, by } of commit.add ?? []) counters.set(counter, (counters.get(counter) ?? 0) + by);
      for (const each of commit.put ?? []) put(each, commit.now);
      const numbers = (commit.append ?? []).map(({ log, values }) => {
        const lines = logs.get(log) ?? [];
        const last = lines.at(-1)?.number ?? 0;
        logs.set(log, [...lines, ...values.map((value, place) => ({ number: last + place + 1, value }))]);
        return logs.get(log)?.at(-1)?.number ?? 0;
      });
      for (const { log, below } of commit.trim ?? []) {
        const lines = logs.get(log) ?? [];
        const isKept = (number: number): boolean => below !== "everything" && number >= below;
        const last = below === "everything" ? [] : lines.slice(-1);
        const rest = lines.filter(({ number }) => isKept(number));
        logs.set(log, rest.length > 0 ? rest : last);
      }
      const result: CommitResult = { ok: true, fences: given, numbers };
      ops.set(commit.op, { at: commit.now, result });
      return result;
    },
    look(now, query) {
      if ("get" in query) {
        const is = live(documents.get(query.get), now);
        return is && { key: query.get, version: is.version, value: is.value };
      }
      if ("counter" in query) return counters.get(query.counter) ?? 0;
      if ("read" in query) {
        return (logs.get(query.read) ?? [])
          .filter(({ number }) => number > (query.after ?? 0) && number < (query.before ?? Infinity))
          .toSorted((one, other) => (query.back ? other.number - one.number : one.number - other.number))
          .slice(0, query.limit);
      }
      const { from = "", to, after, back, each } = query;
      return entriesOf(query.range, now)
        .filter(({ sort }) => sort >= from && (to === undefined || sort <= to))
        .sort((one, other) => (back ? order(other, one) : order(one, other)))
        .filter((entry) => after === undefined || (back ? order(entry, after) < 0 : order(entry, after) > 0))
        .slice(0, query.limit)
        .map((entry) => ({
          ...entry,
          heads: each === undefined ? [] : entriesOf(each.prefix + entry.key, now).slice(0, each.limit),
        }));
    },
    fenceOf: (name) => leases.get(name)?.fence ?? 0,
    holderOf: (name) => leases.get(name)?.holder ?? "",
  };
}

type Placed = { readonly sort: string; readonly key: string };

/** By bytes, which for ASCII is what `<` compares. */
function order(one: Placed, other: Placed): number {
  if (one.sort !== other.sort) return one.sort < other.sort ? -1 : 1;
  if (one.key !== other.key) return one.key < other.key ? -1 : 1;
  return 0;
}
