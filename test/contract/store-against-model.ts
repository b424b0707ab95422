/** Random commits and questions, put to a store and to the model of it: every answer must be the same. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { after, Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import type { Commit, Committed, CommitResult, Query, Store } from "../../src/core/ports/store.ts";
import { model, type Model } from "./store-model.ts";

// Few names, so that commits meet; `q/a` and `q/b` are the indexes of the heads of `a` and `b`.
const key = fc.constantFrom("a", "b", "c");
const index = fc.constantFrom("i", "q/a", "q/b");
const sort = fc.constantFrom("", "1", "10", "2", "~");
const counter = fc.constantFrom("m", "n");
const log = fc.constantFrom("x", "y");
const limit = fc.constantFrom(0, 1, 2, 50);
const durationMs = fc.constantFrom(0, 1, secondMs, 4 * minuteMs, 10 * minuteMs);
const json = fc.jsonValue({ maxDepth: 2, stringUnit: "binary" });

const bounds = { min: fc.integer({ min: -4, max: 2 }), max: fc.integer({ min: -1, max: 6 }) };
const addition = fc.record(
  { counter, by: fc.integer({ min: -3, max: 3 }), ...bounds },
  { requiredKeys: ["counter", "by"], noNullPrototype: true },
);
const put = fc.record(
  {
    key,
    value: fc.option(json, { nil: undefined, freq: 4 }),
    entries: fc.array(fc.tuple(index, sort), { maxLength: 3 }),
    ensure: fc.constant(true as const),
    if: fc.oneof(
      fc.record({ counter, ...bounds }, { requiredKeys: ["counter"] }),
      fc.record({ version: fc.nat({ max: 2 }) }),
    ),
    liveMs: durationMs,
  },
  { requiredKeys: ["key", "value"] },
);
const act = fc.record({
  name: fc.constantFrom("k", "l"),
  act: fc.constantFrom("take", "take", "renew", "release", "hold"),
  /** Who acts, and with which number: mostly the one who has it, sometimes another. */
  as: fc.constantFrom("holder", "holder", "holder", "stranger", "stale"),
  ttlMs: durationMs,
});
const draft = fc.record(
  {
    op: fc.nat({ max: 40 }).map((number) => `op/${number}`),
    laterMs: durationMs,
    versions: fc.array(fc.tuple(key, fc.nat({ max: 2 })), { maxLength: 2 }),
    leases: fc.uniqueArray(act, { maxLength: 2, selector: ({ name }) => name }),
    add: fc.array(addition, { maxLength: 3 }),
    put: fc.array(put, { maxLength: 3 }),
    append: fc.array(fc.record({ log, values: fc.array(json, { maxLength: 3 }) }), { maxLength: 2 }),
    trim: fc.array(fc.record({ log, below: fc.oneof(fc.nat({ max: 9 }), fc.constant("everything" as const)) }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: ["op", "laterMs"] },
);
type Draft = typeof draft extends fc.Arbitrary<infer D> ? D : never;

const query: fc.Arbitrary<Query> = fc.oneof(
  key.map((get) => ({ get })),
  counter.map((counter) => ({ counter })),
  fc.record(
    {
      range: index,
      limit,
      from: sort,
      to: sort,
      after: fc.record({ sort, key }),
      back: fc.boolean(),
      each: fc.record({ prefix: fc.constant("q/"), limit }),
    },
    { requiredKeys: ["range", "limit"] },
  ),
  fc.record(
    { read: log, limit, after: fc.nat({ max: 9 }), before: fc.nat({ max: 9 }), back: fc.boolean() },
    { requiredKeys: ["read", "limit"] },
  ),
);

/** Everything that a store of these names can tell. */
const all: readonly Query[] = [
  ...["a", "b", "c"].map((get) => ({ get })),
  ...["m", "n"].map((counter) => ({ counter })),
  ...["i", "q/a", "q/b"].map((range) => ({ range, limit: 50 })),
  ...["x", "y"].map((read) => ({ read, limit: 500 })),
];

function commitOf({ laterMs, leases = [], put = [], ...rest }: Draft, start: Instant, known: Model): Commit {
  const now = after(start, laterMs);
  return {
    ...rest,
    now,
    leases: leases.map(({ as, ...act }) => {
      const holder = as === "stranger" || known.holderOf(act.name) === "" ? "stranger" : known.holderOf(act.name);
      const fence = known.fenceOf(act.name) - (as === "stale" ? 1 : 0);
      return act.act === "take" ? { ...act, holder } : { ...act, holder, fence };
    }),
    put: put.map(({ liveMs, entries = [], ...put }) =>
      // A document with an end has no entries.
      liveMs === undefined ? { ...put, entries } : { ...put, until: after(now, liveMs) },
    ),
  };
}

/** The order in which a refusal lists what failed is nobody's business. */
function inOrder(result: CommitResult): CommitResult {
  if (result.ok) return { ok: true, fences: result.fences, numbers: result.numbers };
  return { ok: false, failed: result.failed.toSorted((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1)) };
}
const nameOf = ({ kind, name }: { kind: string; name: string }): string => `${kind} ${name}`;

export function answersLikeTheModel(open: () => Promise<Store>, numRuns: number): void {
  // Commits of one round are given at once, so that a store which groups them has something to group.
  const rounds = fc.array(fc.record({ drafts: fc.array(draft, { maxLength: 5 }), queries: fc.array(query) }), {
    maxLength: 12,
  });

  test("answers any commits and questions as the model does", async () => {
    await fc.assert(
      fc.asyncProperty(rounds, async (rounds) => {
        const store = await open();
        const known = model();
        let now = Instant.parse(1_800_000_000_000);
        for (const { drafts, queries } of rounds) {
          const expected: CommitResult[] = [];
          const given: Promise<Committed<readonly Query[]>>[] = [];
          const times: Instant[] = [];
          for (const each of drafts) {
            const commit = commitOf(each, now, known);
            now = commit.now;
            times.push(now);
            expected.push(known.commit(commit));
            given.push(store.commit(commit, queries));
          }
          const done = await Promise.all(given);
          expect(done.map(inOrder)).toEqual(expected.map(inOrder));
          // Given in one turn they are one batch, and each is answered on what the batch has left.
          const left = times.map((at) => queries.map((query) => known.look(at, query)));
          expect(done.map(({ answers }) => answers)).toEqual(left);
          const asked = [...queries, ...all];
          expect(await store.look(now, asked)).toEqual(asked.map((query) => known.look(now, query)));
        }
        await store.close();
      }),
      { numRuns },
    );
  });
}
