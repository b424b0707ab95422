import * as fc from "fast-check";
import { expect, test } from "vitest";
import { dayOf, monthOf } from "../../src/core/budget.ts";
import { forecast, type SoFar } from "../../src/core/forecast.ts";
import { dayMs, Instant } from "../../src/core/instant.ts";
import { microUsd, noMoney, usd } from "../../src/core/money.ts";

const at = (time: string): Instant => Instant.parse(Date.parse(time));
const facts = (more: Partial<SoFar>): SoFar => ({
  now: at("2026-11-16T00:00:00Z"),
  spent: noMoney,
  used: noMoney,
  lately: noMoney,
  most: undefined,
  ...more,
});

test("half the month brings half of the money, and the last week counts for itself", () => {
  // 15 of 30 days have gone by.
  expect(forecast(facts({ spent: usd(30), used: usd(31), lately: usd(7), most: usd(50) }))).toEqual([
    { as: "month", perDay: usd(2), atEnd: usd(60), reachedOn: "2026-11-25" },
    { as: "week", perDay: usd(1), atEnd: usd(45), reachedOn: undefined },
  ]);
});

test("the first day says too little about a month: the week before goes on alone", () => {
  const early = { spent: usd(9), used: usd(9), lately: usd(16), most: usd(200) };
  const [only, ...others] = forecast(facts({ ...early, now: at("2026-12-01T12:00:00Z") }));
  expect(others).toEqual([]);
  // 7.5 days, and 30.5 are left.
  expect(only).toMatchObject({ as: "week", perDay: 2_133_333, atEnd: 9_000_000 + Math.round((16e6 / 7.5) * 30.5) });
  expect(forecast(facts({ ...early, now: at("2026-12-02T00:00:00Z") })).map((each) => each.as)).toEqual([
    "month",
    "week",
  ]);
  expect(forecast(facts({ ...early, spent: noMoney, now: at("2026-12-01T00:00:00Z") }))).toEqual([
    { as: "week", perDay: 2_285_714, atEnd: 70_857_143, reachedOn: undefined },
  ]);
});

test("nothing spent leads to nothing, also where the ceiling is used up", () => {
  const nothing = { perDay: 0, atEnd: 0, reachedOn: undefined };
  expect(forecast(facts({ most: usd(1) }))).toEqual([
    { as: "month", ...nothing },
    { as: "week", ...nothing },
  ]);
  expect(forecast(facts({ most: usd(1), used: usd(1) }))[0]).toMatchObject({ atEnd: 0, reachedOn: "2026-11-16" });
});

test("over the ceiling, it is reached today", () => {
  const over = forecast(facts({ spent: usd(60), used: usd(61), lately: usd(1), most: usd(50) }));
  expect(over.map(({ reachedOn }) => reachedOn)).toEqual(["2026-11-16", "2026-11-16"]);
});

test.each([
  ["2028-02-15T12:00:00Z", 29],
  ["2027-02-15T00:00:00Z", 28],
  ["2100-02-15T00:00:00Z", 28],
  ["2026-12-16T12:00:00Z", 31],
])("a month has as many days as the calendar gives it: %s", (time, days) => {
  const now = at(time);
  const gone = (now - Date.parse(monthOf(now))) / dayMs;
  const [month] = forecast(facts({ now, spent: usd(gone), used: usd(gone) }));
  expect(month).toMatchObject({ perDay: usd(1), atEnd: usd(days) });
});

test("a ceiling is reached within the month or not at all, and sooner the more is spent", () => {
  const instants = fc.integer({ min: Date.parse("2026-01-01"), max: Date.parse("2029-01-01") });
  const amounts = fc.integer({ min: 0, max: 1e9 });
  fc.assert(
    fc.property(instants, amounts, amounts, amounts, (time, spent, lately, most) => {
      const now = Instant.parse(time);
      const of = (more: number): SoFar => ({
        now,
        spent: microUsd(spent * more),
        used: microUsd(spent * more),
        lately: microUsd(lately * more),
        most: microUsd(most),
      });
      const twice = forecast(of(2));
      for (const [place, once] of forecast(of(1)).entries()) {
        expect(once.atEnd).toBeGreaterThanOrEqual(spent);
        if (once.reachedOn === undefined) continue;
        expect(once.reachedOn >= dayOf(now) && monthOf(now) === once.reachedOn.slice(0, 7)).toBe(true);
        expect((twice[place]?.reachedOn ?? "never") <= once.reachedOn).toBe(true);
      }
    }),
  );
});
