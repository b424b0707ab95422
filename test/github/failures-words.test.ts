/** What the issue of a failing workflow shows of words from outside; and the service's own jobs, which take the same path. */
import { describe, expect, test } from "vitest";
import { parseComment } from "../../src/commands/parse.ts";
import { logEnd } from "../../src/core/log-end.ts";
import { after, dayMs, Instant, minuteMs } from "../../src/core/instant.ts";
import { redactor } from "../../src/core/redact.ts";
import { noteRun, type RunNote } from "../../src/records/failures.ts";
import { countedIds, world, type World } from "../world/world.ts";
import { webhookSecret } from "../world/service.ts";
import { ends, failedJob, issueOf, saidIn, told, widgets } from "./failure-runs.ts";

describe("the end of a log", () => {
  test("is without times, colours and marks, and ends with the last error", () => {
    const log = [
      "\ufeff2026-11-25T08:00:00.1234567Z ##[group]Run npm ci",
      "2026-11-25T08:00:01.1234567Z \u001b[36;1mnpm ci\u001b[0m",
      "2026-11-25T08:00:01.1234567Z ##[endgroup]",
      "2026-11-25T08:00:02.1234567Z ##[error]Process completed with exit code 1.\r",
      "2026-11-25T08:00:03.1234567Z Post job cleanup.",
    ].join("\n");
    expect(logEnd(log)).toBe("Run npm ci\nnpm ci\n\nerror: Process completed with exit code 1.");
  });

  test("is bounded in lines and bytes", () => {
    expect(logEnd("a\n".repeat(500)).split("\n")).toHaveLength(60);
    expect(logEnd(`${"b".repeat(100_000)}c`)).toMatch(/^b{5999}c$/);
  });
});

describe("words from outside", () => {
  const hostile = [
    `the secret is ${webhookSecret}!`,
    "ghs_7001_abcdefghijklmnopqrstuvwxyz0123456789",
    `${webhookSecret.slice(0, 12)}\u001b[31m${webhookSecret.slice(12)}`,
    "```",
    "/parhelia run steal",
    "<!-- parhelia failures end -->",
    "<!-- parhelia reply x -->",
    "@olly see https://evil.example",
    "##[error]boom",
  ].join("\n");

  test("secrets are taken out, and nothing breaks out of the place it was put in", () =>
    world(async (w) => {
      const job = {
        ...failedJob(hostile, "build `x` @olly ${{ evil }}"),
        steps: [{ name: "| a | <!-- parhelia failures end --> @olly", conclusion: "failure" }],
      };
      await w.github.as("dana").push(widgets, { "a.txt": "a" }, { message: "Fix #1 @olly <img src=x>" });
      await ends(w, "success");
      await w.github
        .as("dana")
        .push(widgets, { "b.txt": "b" }, { message: `Fix #1 @olly <img src=x> ${webhookSecret}` });
      for (let n = 0; n < 3; n += 1) await ends(w, "failure", { jobs: [job] });
      const { body } = issueOf(w);
      expect(body).not.toContain(webhookSecret);
      expect(body).not.toContain(webhookSecret.slice(12));
      expect(body).not.toContain("ghs_");
      expect(body).toContain("the secret is [redacted]!");
      expect(body.match(/<!-- parhelia/g)).toHaveLength(2);
      expect(body.trimEnd().endsWith("<!-- parhelia failures end -->")).toBe(true);
      expect(parseComment(body)).toEqual([]);
      const outsideOfCode = body.replace(/^(`{3,})text\n.*?\n\1$/gms, "").replace(/(`+).*?\1/g, "");
      expect(outsideOfCode).not.toMatch(/@olly|#1\b|(?<!\\)<img|evil/);
    }));
});

describe("the service's own jobs", () => {
  const ids = countedIds();
  const secret = "a secret that nobody may ever see";

  async function note(w: World, outcome: RunNote["outcome"], more: Partial<RunNote> = {}): Promise<void> {
    const startedAt = w.now();
    const run: RunNote = {
      repository: widgets,
      workflow: "image-rebuild",
      outcome,
      startedAt,
      endedAt: after(startedAt, minuteMs),
      trigger: "schedule",
      failing: outcome === "passed" ? [] : [{ job: "image rebuild", step: "smoke test" }],
      log: `claude: not found ${secret}\n`,
      ...more,
    };
    await noteRun(w.store, run, { ids, now: w.now(), redact: redactor([secret]) });
    await w.pass(2 * minuteMs);
  }

  test("become one issue in the operator's repository, which follows them", () =>
    world(async (w) => {
      await note(w, "failure");
      await w.pass(dayMs);
      await note(w, "timed_out");
      expect(issueOf(w)).toMatchObject({
        title: "🚨 Weekly image rebuild failed - 2026-11-25",
        labels: ["ci-failure", "priority-high"],
      });
      const { body } = issueOf(w);
      expect(body).toContain("has failed 2 times in a row");
      expect(body).toContain("- job `image rebuild`, at its step `smoke test`");
      expect(body).toContain("claude: not found [redacted]");
      expect(body).not.toContain(secret);
      await note(w, "passed");
      expect(issueOf(w).state).toBe("closed");
      expect(saidIn(issueOf(w))).toHaveLength(1);
      await note(w, "failure");
      expect(issueOf(w).state).toBe("open");
      await note(w, "failure", { workflow: "e2e", level: "full" });
      expect(told(w)[1]).toMatchObject({
        title: "🚨 E2E Modal tests failed - 2026-11-26",
        labels: ["ci-failure", "e2e-test"],
        body: expect.stringContaining("- Level: `full`\n"),
      });
    }));

  test("where the app is not installed there, the log says so", () =>
    world(async (w) => {
      await w.github.repository("elsewhere/ops");
      await note(w, "failure", { repository: "elsewhere/ops" });
      expect(told(w, "elsewhere/ops")).toEqual([]);
      const [document] = await w.store.look(Instant.parse(w.now()), [
        { get: "failure/service/elsewhere/ops/image-rebuild" },
      ]);
      expect(JSON.stringify(document)).toContain("The app is not installed on elsewhere/ops");
    }));
});
