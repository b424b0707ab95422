/** People's hands on the issue of a failing workflow count more than ours, and what GitHub refuses is not tried for ever. */
import { describe, expect, test } from "vitest";
import { dayMs, hourMs, minuteMs } from "../../src/core/instant.ts";
import { listEvents } from "../../src/records/events.ts";
import { badGateway } from "../world/github/faults.ts";
import { world, type World } from "../world/world.ts";
import { ends, failedJob, issueOf, saidIn, told, widgets } from "./failure-runs.ts";

const dana = (w: World) => w.github.as("dana");

describe("what people write stays", () => {
  test("above and below our part, through updates, closing and opening again", () =>
    world(async (w) => {
      await ends(w, "failure");
      const { number, body } = issueOf(w);
      dana(w).editIssue(widgets, number, { body: `I look at it.\r\n\r\n${body}\r\n\r\nThe registry was moved.` });
      for (const conclusion of ["failure", "success", "failure"]) {
        await ends(w, conclusion);
        expect(issueOf(w).body.startsWith("I look at it.\r\n\r\n<!-- parhelia")).toBe(true);
        expect(issueOf(w).body.endsWith("-->\r\n\r\nThe registry was moved.")).toBe(true);
      }
      expect(issueOf(w).body).toMatch(/Newest run: \[run 4\]/);
      expect(issueOf(w).body).not.toContain("✅");
    }));

  test("all of it, where somebody took our part away", () =>
    world(async (w) => {
      await ends(w, "failure");
      dana(w).editIssue(widgets, issueOf(w).number, { body: "Mine now." });
      await ends(w, "failure");
      expect(issueOf(w).body).toBe("Mine now.");
      await ends(w, "success");
      expect(issueOf(w)).toMatchObject({ body: "Mine now.", state: "closed" });
      expect(saidIn(issueOf(w))).toHaveLength(1);
    }));

  test("so much of it that GitHub takes no word more: then it is closed all the same", () =>
    world(async (w) => {
      await ends(w, "failure");
      const { number, body } = issueOf(w);
      dana(w).editIssue(widgets, number, { body: `${"x".repeat(65_500 - body.length)}${body}` });
      await ends(w, "success");
      expect(issueOf(w).state).toBe("closed");
      expect(saidIn(issueOf(w))).toHaveLength(1);
    }));

  test("however long it is: then ours is shortened", () =>
    world(async (w) => {
      const log = failedJob(`${"a line of the log\n".repeat(2000)}##[error]the end\n`);
      await ends(w, "failure", { jobs: [log] });
      const { number, body } = issueOf(w);
      dana(w).editIssue(widgets, number, { body: `${"x".repeat(56_000)}\n${body.slice(0, 5000)}${body.slice(-200)}` });
      await ends(w, "failure", { jobs: [log] });
      expect(issueOf(w).body).toMatch(/has failed 2 times in a row/);
      expect(issueOf(w).body.length).toBeLessThan(65_536);
    }));
});

describe("closed by a person", () => {
  test("as not planned it stays closed, with one note at most", () =>
    world(async (w) => {
      await ends(w, "failure");
      const { number, body } = issueOf(w);
      dana(w).editIssue(widgets, number, { state: "closed", stateReason: "not_planned" });
      for (let n = 0; n < 3; n += 1) await ends(w, "failure");
      await ends(w, "success");
      await ends(w, "failure");
      expect(issueOf(w)).toMatchObject({ state: "closed", body });
      expect(saidIn(issueOf(w))).toEqual([expect.stringMatching(/^It failed again \(\[run 2\]/)]);
      dana(w).reopen(widgets, number);
      await ends(w, "failure");
      expect(issueOf(w)).toMatchObject({ state: "open", body: expect.stringContaining("has failed 2 times in a row") });
    }));

  test("as completed it is opened again by the next failure", () =>
    world(async (w) => {
      await ends(w, "failure");
      dana(w).close(widgets, issueOf(w).number);
      await w.pass(hourMs);
      expect(issueOf(w).state).toBe("closed");
      await ends(w, "failure");
      expect(issueOf(w).state).toBe("open");
      expect(saidIn(issueOf(w))).toEqual([expect.stringMatching(/^🚨 It fails again: \[run 2\]/)]);
    }));

  test("a failure from before that, told late, does not open it again", () =>
    world(async (w) => {
      await ends(w, "failure");
      const { number } = issueOf(w);
      w.github.workflowRun(widgets, {
        file: "image-rebuild.yml",
        name: "x",
        event: "schedule",
        sha: "a".repeat(40),
        conclusion: "failure",
      });
      await w.pass(hourMs);
      dana(w).close(widgets, number);
      await w.deliver();
      await w.pass(minuteMs);
      expect(issueOf(w)).toMatchObject({ state: "closed", comments: [] });
    }));

  test("a success says nothing more", () =>
    world(async (w) => {
      await ends(w, "failure");
      dana(w).close(widgets, issueOf(w).number);
      await ends(w, "success");
      expect(issueOf(w)).toMatchObject({ state: "closed", comments: [] });
    }));
});

describe("gone", () => {
  test("a deleted issue gives way to a new one", () =>
    world(async (w) => {
      await ends(w, "failure");
      const { number } = issueOf(w);
      dana(w).deleteIssue(widgets, number);
      await ends(w, "failure");
      const [, second] = told(w);
      expect(second).toMatchObject({ state: "open", body: expect.stringContaining("has failed 2 times in a row") });
      await ends(w, "success");
      expect(told(w)[1]?.state).toBe("closed");
    }));

  test("so does one that was moved to another repository, which is left alone there", () =>
    world(async (w) => {
      await w.github.repository("acme/attic");
      await ends(w, "failure");
      const { number } = issueOf(w);
      const moved = dana(w).transferIssue(widgets, number, "acme/attic");
      const { body } = w.github.issue("acme/attic", moved);
      await ends(w, "failure");
      await ends(w, "success");
      expect(told(w)[1]).toMatchObject({ state: "closed" });
      expect(w.github.issue("acme/attic", moved)).toMatchObject({ state: "open", body, comments: [] });
    }));

  test("a renamed repository keeps its issue", () =>
    world(async (w) => {
      await ends(w, "failure");
      w.github.rename(widgets, "gadgets");
      const run = { file: "image-rebuild.yml", name: "x", event: "schedule", sha: "a".repeat(40) };
      w.github.workflowRun("acme/gadgets", { ...run, conclusion: "failure" });
      await w.deliver();
      await w.pass(minuteMs);
      expect(issueOf(w, "acme/gadgets").body).toContain("has failed 2 times in a row");
    }));
});

describe("what GitHub refuses", () => {
  test("with issues switched off, the operator is told once for each failure, and nothing is tried until the next", () =>
    world(async (w) => {
      w.github.switchIssuesOff(widgets);
      await ends(w, "failure");
      const calls = w.github.requests.length;
      await w.pass(3 * dayMs);
      await w.reconcile();
      const writes = w.github.requests
        .slice(calls)
        .filter(({ method, path }) => method !== "GET" && path.startsWith("/repos/"));
      expect(writes).toEqual([]);
      const [event] = await listEvents(w.store, w.now(), { level: "warning", limit: 10 });
      expect(event?.event).toMatchObject({
        type: "failure_not_shown",
        message: expect.stringMatching(
          /^image-rebuild\.yml of acme\/widgets fails and has no issue .*: GitHub answered 410/,
        ),
      });
    }));

  test("settings that cannot be used open nothing and are told to the operator; what is open goes on", () =>
    world(async (w) => {
      const broken = { ".parhelia/config.toml": "[failures\n" };
      await dana(w).push(widgets, broken);
      await ends(w, "failure");
      expect(told(w)).toEqual([]);
      const [event] = await listEvents(w.store, w.now(), { level: "warning", limit: 10 });
      expect(event?.event.message).toContain("can be used");
      await dana(w).push(widgets, { ".parhelia/config.toml": null });
      await ends(w, "failure");
      await dana(w).push(widgets, broken);
      await ends(w, "failure");
      expect(issueOf(w).body).toContain("has failed 3 times in a row");
      await ends(w, "success");
      expect(issueOf(w).state).toBe("closed");
    }));

  test("a locked issue is updated and closed without a word", () =>
    world(async (w) => {
      await ends(w, "failure");
      dana(w).lock(widgets, issueOf(w).number);
      w.github.faults.next({ method: "POST", path: /comments/ }, { status: 403, body: { message: "issue is locked" } });
      await ends(w, "success");
      expect(issueOf(w)).toMatchObject({ state: "closed", comments: [] });
    }));

  test("labels that may not be made are in no issue's way", () =>
    world(async (w) => {
      w.github.faults.next({ method: "POST", path: /\/labels$/ }, { status: 403, body: { message: "no" } }, 2);
      await ends(w, "failure");
      expect(issueOf(w).state).toBe("open");
    }));

  test.each([
    ["jobs that may not be read", /\/jobs$/, "Which job failed could not be read."],
    ["a log that is gone", /\/logs$/, "- job `build`, at its step `Publish image`"],
  ])("%s are left out", (_, path, said) =>
    world(async (w) => {
      w.github.faults.next({ path }, { status: 404, body: { message: "Not Found" } });
      await ends(w, "failure");
      expect(issueOf(w).body).toContain(said);
    }),
  );

  test("what GitHub fails to give is waited for, and after a few tries left out", () =>
    world(async (w) => {
      w.github.faults.next({ path: /\/logs$/ }, badGateway, 4);
      await ends(w, "failure");
      await w.pass(10 * minuteMs);
      expect(issueOf(w).body).toContain("- job `build`");
      expect(issueOf(w).body).not.toContain("The log of");
      expect(w.takeFaults()).toHaveLength(3);
    }));
});
