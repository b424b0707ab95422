/** When a job of the schedule is due: in its time zone, also where its clocks are set forward and back. */
import { expect, test } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import { dueFrom, isCron, nextTime } from "../../src/core/schedule.ts";

const at = (text: string): Instant => Instant.parse(Date.parse(text));
const next = (cron: string, timeZone: string, after: string): string => {
  const time = nextTime({ cron, timeZone }, at(after));
  return time === undefined ? "never" : new Date(time).toISOString();
};

test.each([
  ["0 6 * * 0", "UTC", "2026-11-27T12:00:00Z", "2026-11-29T06:00:00.000Z"],
  ["0 6 * * 0", "UTC", "2026-11-29T06:00:00Z", "2026-12-06T06:00:00.000Z"],
  ["0 6 * * 0", "Europe/Berlin", "2026-11-27T12:00:00Z", "2026-11-29T05:00:00.000Z"],
  ["0 6 * * 0", "Europe/Berlin", "2026-07-01T12:00:00Z", "2026-07-05T04:00:00.000Z"],
  // Clocks go from two to three there, and back from three to two.
  ["30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00.000Z"],
  ["30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00.000Z"],
  ["30 2 * * *", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00.000Z"],
])("%s in %s after %s is at %s", (cron, timeZone, after, expected) => {
  expect(next(cron, timeZone, after)).toBe(expected);
});

test("what is under way is due for whoever finds it", () => {
  const times = { cron: "0 6 * * 0", timeZone: "UTC" };
  const handledTo = at("2026-11-29T06:00:00Z");
  expect(dueFrom(times, { handledTo })).toBe(at("2026-12-06T06:00:00Z"));
  expect(dueFrom(times, { handledTo, running: { startedAt: handledTo, tries: 1 } })).toBe(handledTo);
});

test("only five fields that come true some day are taken", () => {
  expect(["0 6 * * 0", "*/15 * * * MON-FRI", "0 0 29 2 *"].map(isCron)).toEqual([true, true, true]);
  expect(["", "soon", "* * * *", "0 0 31 2 *", "61 * * * *", "0 6 * * 0 2030"].map(isCron)).toEqual(
    Array.from({ length: 6 }, () => false),
  );
});
