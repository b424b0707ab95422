/** What `parhelia schedule` shows of each job, in words and for programs. */
import { expect, test } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import { scheduleShown, scheduleWords, type Planned } from "../../src/terminal/schedule.ts";

const at = (text: string): Instant => Instant.parse(Date.parse(text));
const now = at("2026-12-01T10:00:00Z");
const rebuild: Planned = {
  name: "image-rebuild",
  times: { cron: "0 6 * * 0", timeZone: "Europe/Berlin" },
  record: {
    handledTo: at("2026-11-29T05:00:00Z"),
    last: {
      startedAt: at("2026-11-29T05:00:03Z"),
      endedAt: at("2026-11-29T05:09:00Z"),
      outcome: "passed",
      words: "image weekly-20261129 is live",
    },
  },
};
const missed: Planned = {
  name: "e2e",
  times: { cron: "0 4 * * *", timeZone: "UTC" },
  record: { handledTo: at("2026-11-28T04:00:00Z") },
};

test("when each is due next, as the clocks of its time zone show it, and how it went last", () => {
  expect(scheduleShown([rebuild, { ...missed, record: undefined }], now, "words")).toBe(
    [
      "image-rebuild  0 6 * * 0, Europe/Berlin",
      "  next     Sun 2026-12-06 06:00 CET",
      "  last     passed Sun 2026-11-29 06:00 CET: image weekly-20261129 is live",
      "",
      "e2e  0 4 * * *, UTC",
      "  next     Wed 2026-12-02 04:00 UTC",
      "  last     not yet",
    ].join("\n"),
  );
});

test("what was missed is said to be done once; what runs, since when", () => {
  expect(scheduleShown([missed], now, "words")).toContain(
    "  due      since Sun 2026-11-29 04:00 UTC: done once, by the next service that runs",
  );
  const record = {
    handledTo: at("2026-12-01T09:59:00Z"),
    running: { startedAt: at("2026-12-01T09:59:00Z"), tries: 2 },
  };
  expect(
    scheduleShown([{ ...missed, record }], now, "words")
      .split("\n")
      .slice(1),
  ).toEqual([
    "  running  since Tue 2026-12-01 09:59 UTC, attempt 2",
    "  next     Wed 2026-12-02 04:00 UTC",
    "  last     not yet",
  ]);
});

test("words of a failure cannot write on the terminal", () => {
  const last = { ...rebuild.record?.last, outcome: "failure", words: "\u001b[2Jgone" };
  const record = JSON.parse(JSON.stringify({ ...rebuild.record, last }));
  expect(scheduleShown([{ ...rebuild, record }], now, "words")).not.toContain("\u001b");
});

test("for programs", () => {
  expect(JSON.parse(scheduleShown([rebuild, missed], now, "json"))).toEqual({
    jobs: [
      {
        name: "image-rebuild",
        cron: "0 6 * * 0",
        time_zone: "Europe/Berlin",
        next: "2026-12-06T05:00:00.000Z",
        running: null,
        last: {
          started_at: "2026-11-29T05:00:03.000Z",
          ended_at: "2026-11-29T05:09:00.000Z",
          outcome: "passed",
          words: "image weekly-20261129 is live",
        },
      },
      { name: "e2e", cron: "0 4 * * *", time_zone: "UTC", next: "2026-11-29T04:00:00.000Z", running: null, last: null },
    ],
  });
});

test("where nothing is scheduled it says how", () => {
  expect(scheduleShown([], now, "words")).toMatch(/^Nothing is scheduled\. .*image_rebuild = /);
  expect(scheduleWords(["--jsno"])).toMatchObject({ kind: "wrong", message: expect.stringContaining("--jsno") });
  expect(scheduleWords(["--json"])).toEqual({ kind: "show", as: "json" });
});
