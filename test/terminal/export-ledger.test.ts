import * as fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { sharedCeilings } from "../../src/core/budget.ts";
import { after, Instant, minuteMs } from "../../src/core/instant.ts";
import { microUsd, usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { resetPurses } from "../../src/records/adjust.ts";
import { checkLedger } from "../../src/records/check-ledger.ts";
import { counters } from "../../src/records/document.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { csvCell, formatOf, ledgerLines } from "../../src/terminal/export-ledger.ts";
import { atIssue, hold, spend } from "../world/spend.ts";
import { unbounded } from "../world/world.ts";

const now = Instant.parse(Date.parse("2026-11-25T08:00:00Z"));
const origin = atIssue(10, "dana");

async function open(): Promise<Store> {
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  await spend(
    store,
    { at: now, amount: microUsd(1_234_567), origin },
    { model: "claude-opus-5-5", inputTokens: 1000, outputTokens: 400 },
  );
  await hold(store, { at: after(now, minuteMs), amount: microUsd(7), origin, meter: "compute" });
  const purses = sharedCeilings(origin, unbounded, now).filter(({ scope }) => scope === "service/2026-11");
  await resetPurses(store, purses, { because: '=HYPERLINK("https://example.org"), said olly', now, op: "op" });
  return store;
}

async function collected(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

test("as JSON, a line for each entry with all that is known of it", async () => {
  const store = await open();
  const lines = await collected(ledgerLines(store, now, { month: "2026-11", format: "jsonl" }));
  expect(lines.map((line) => JSON.parse(line).do)).toEqual(["slice", "charge", "slice", "adjustment"]);
  expect(JSON.parse(lines[1] ?? "")).toEqual({
    at: "2026-11-25T08:00:00.000Z",
    do: "charge",
    slice: expect.stringMatching(/^t_7k2m9x4q-1\/model\/\d+$/),
    amount_usd: "1.234567",
    amount_micro_usd: 1_234_567,
    meter: "model",
    task: "t_7k2m9x4q",
    attempt: "t_7k2m9x4q-1",
    user: 4,
    repository: "r10",
    installation: 1,
    scopes: [
      "user/4/2026-11-25",
      "user/4/2026-11",
      "repository/r10/2026-11-25",
      "repository/r10/2026-11",
      "installation/1/2026-11-25",
      "installation/1/2026-11",
      "service/2026-11-25",
      "service/2026-11",
    ],
    prices: "2026-11-24",
    model: "claude-opus-5-5",
    input_tokens: 1000,
    output_tokens: 400,
  });
  expect(JSON.parse(lines[3] ?? "")).toMatchObject({ amount_usd: "-1.234567", amount_micro_usd: -1_234_567 });
});

test("as a table, with numbers that stay numbers and texts that no spreadsheet calculates", async () => {
  const store = await open();
  const [head = "", ...rows] = await collected(ledgerLines(store, now, { month: "2026-11", format: "csv" }));
  expect(head.split(",").length).toBe(24);
  expect(rows).toHaveLength(4);
  expect(rows[2]).toMatch(/^2026-11-25T08:01:00\.000Z,slice,t_7k2m9x4q-1\/compute\/\d+,0\.000007,7,compute,/);
  expect(rows[3]).toContain(",-1.234567,-1234567,");
  expect(rows[3]).toMatch(/,"'=HYPERLINK\(""https:\/\/example\.org""\), said olly"$/);
  expect(await collected(ledgerLines(store, now, { month: "2026-10", format: "csv" }))).toEqual([head]);
  expect(await collected(ledgerLines(store, now, { month: "2026-10", format: "jsonl" }))).toEqual([]);
});

/** A reader of RFC 4180, of one row. */
function cells(row: string): string[] {
  const found = Array.from(`,${row}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^",]*))/g));
  return found.map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "");
}

test("any text comes back from its cell, and begins with no sign of a formula", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary-ascii" }), { minLength: 1, maxLength: 4 }), (texts) => {
      const back = cells(texts.map(csvCell).join(","));
      expect(back.map((each) => each.replace(/^'(?=[=+\-@\t\r])/, ""))).toEqual(texts);
      for (const each of back) expect(each).not.toMatch(/^(?:[=+@\t\r]|-(?!\d+(?:\.\d+)?$))/);
    }),
  );
  expect(["=1+1", "+1", "-1+1", "@a", "\t=1", "-1.5", "", "plain"].map(csvCell)).toEqual([
    "'=1+1",
    "'+1",
    "'-1+1",
    "'@a",
    "'\t=1",
    "-1.5",
    "",
    "plain",
  ]);
});

test("the format follows the name of the file", () => {
  expect([undefined, "a.jsonl", "a.CSV", "csv", "a.csv.gz"].map(formatOf)).toEqual([
    "jsonl",
    "jsonl",
    "csv",
    "jsonl",
    "jsonl",
  ]);
});

test("a month agrees with itself at its ends: what went over midnight, and a service that writes meanwhile", async () => {
  const store = await open();
  const last = Instant.parse(Date.parse("2026-11-30T23:59:00Z"));
  await hold(store, { at: last, amount: usd(1), origin });
  expect(await checkLedger(store, now, "2026-11")).toMatchObject({ wrong: [], broken: [] });
  expect(await checkLedger(store, now, "2026-12")).toEqual({ lines: 0, wrong: [], broken: [] });
  // Each time that sums are read, more was spent since the lines were.
  let turns = 0;
  const busy: Store = {
    ...store,
    look: async (at, queries) => {
      if (queries.some((query) => "counter" in query)) {
        await spend(store, { at: now, amount: microUsd((turns += 1)), origin });
      }
      return store.look(at, queries);
    },
  };
  expect(await checkLedger(busy, now, "2026-11")).toMatchObject({ wrong: [], broken: [] });
  expect(turns).toBe(2);
  await store.commit({ op: "by hand", now, add: [{ counter: counters.used("user/4/2026-11"), by: 1 }] });
  expect((await checkLedger(store, now, "2026-11")).wrong).toEqual([
    { counter: "used/user/4/2026-11", is: 2_234_578, shouldBe: 2_234_577 },
  ]);
});
