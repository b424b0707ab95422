/** A workflow that fails becomes one issue, which follows it: case 20, and every sentence that the README says of it. */
import { describe, expect, test } from "vitest";
import { dayMs, hourMs, minuteMs } from "../../src/core/instant.ts";
import { world } from "../world/world.ts";
import { ends, failedJob, issueOf, rebuild, saidIn, told, widgets } from "./failure-runs.ts";

test("case 20: failure, failure, failure, success, failure is one issue, and a person's title and labels stay", () =>
  world(async (w) => {
    await ends(w, "failure");
    const first = issueOf(w);
    expect(first).toMatchObject({
      title: "🚨 Weekly image rebuild failed - 2026-11-25",
      labels: ["ci-failure", "priority-high"],
      state: "open",
    });
    for (const times of [2, 3]) {
      await w.pass(dayMs);
      await ends(w, "failure");
      expect(issueOf(w).body).toContain(`has failed ${times} times in a row, since 2026-11-25 08:00 UTC`);
      expect(issueOf(w).body).toMatch(new RegExp(`Newest run: \\[run ${times}\\]`));
      expect(issueOf(w).comments).toEqual([]);
    }
    await w.pass(hourMs);
    await ends(w, "success");
    expect(issueOf(w)).toMatchObject({ state: "closed" });
    expect(saidIn(issueOf(w))).toEqual([
      expect.stringMatching(
        /^✅ Passed again in \[run 4\]\(\S+\), on 2026-11-27 09:0\d UTC, 2d 1h after it first failed \(3 failed runs\)\.$/,
      ),
    ]);
    w.github.as("dana").editIssue(widgets, first.number, { title: "The registry is flaky" });
    w.github.as("dana").label(widgets, first.number, "registry");
    w.github.as("dana").unlabel(widgets, first.number, "priority-high");
    await ends(w, "failure");
    expect(issueOf(w)).toMatchObject({
      number: first.number,
      state: "open",
      title: "The registry is flaky",
      labels: ["ci-failure", "registry"],
    });
    expect(saidIn(issueOf(w))[1]).toMatch(/^🚨 It fails again: \[run 5\]/);
  }));

test("it names the run, its trigger, what failed and how the log ends, what changed, and how to go on", () =>
  world(async (w) => {
    await ends(w, "success");
    await w.github.as("dana").push(widgets, { Dockerfile: "FROM scratch\n" }, { message: "Start from nothing" });
    await ends(w, "failure", {
      jobs: [failedJob("2026-11-25T08:00:00.1Z \u001b[31m##[error]no such image\u001b[0m\n")],
    });
    const { body } = issueOf(w);
    expect(body).toContain(
      "- Newest run: [run 2](http://github.localhost/acme/widgets/actions/runs/811), failed on 2026-11-25 08:01 UTC\n",
    );
    expect(body).toContain("- Started by: its schedule (`schedule`)\n");
    expect(body).toContain(
      "- Last success: [run 1](http://github.localhost/acme/widgets/actions/runs/810), on 2026-11-25 08:00 UTC\n",
    );
    expect(body).toMatch(/- job `build`, at its step `Publish image` \(\[its log\]\(\S+\)\)/);
    expect(body).toContain("The log of `build` ends:\n\n```text\nerror: no such image\n```");
    expect(body).toMatch(
      /- \[`\w{7}`\]\(\S+\) Start from nothing, by dana\n\n\[The whole difference\]\(\S+\/compare\/\S+\) \(1 commit\)/,
    );
    expect(body).toContain(
      "```text\n/parhelia run Find out why image-rebuild.yml fails at the step Publish image of the job build (run 2), and mend it\n```",
    );
  }));

test("the line that is offered is no command until somebody writes it", () =>
  world(async (w) => {
    await ends(w, "failure");
    const { number, body } = issueOf(w);
    await w.deliver();
    expect(await w.tasks()).toEqual([]);
    const [line = ""] = /^\/parhelia run .*$/m.exec(body) ?? [];
    await w.comment(line, { on: number });
    await w.dispatch();
    // What the log says is a stranger's, though the issue is ours.
    expect((await w.task()).base?.trusted).toBe(false);
    await w.comment("/parhelia cancel", { on: number });
    await w.pass(hourMs);
  }));

describe("what counts", () => {
  test.each(["failure", "timed_out", "startup_failure"])("%s opens an issue", (conclusion) =>
    world(async (w) => {
      await ends(w, conclusion, conclusion === "startup_failure" ? { jobs: [] } : {});
      expect(issueOf(w).state).toBe("open");
    }),
  );

  test.each(["cancelled", "skipped", "neutral", "action_required", "stale"])("%s does nothing", (conclusion) =>
    world(async (w) => {
      await ends(w, conclusion);
      expect(told(w)).toEqual([]);
      await ends(w, "failure");
      const writes = () => w.github.requests.filter(({ method }) => method !== "GET").length;
      const calls = writes();
      await ends(w, conclusion);
      expect(writes()).toBe(calls);
      expect(issueOf(w).state).toBe("open");
      expect(calls).toBeGreaterThan(0);
    }),
  );

  test("by hand on the default branch and a push to it count; other branches and pull requests don't", () =>
    world(async (w) => {
      await ends(w, "failure", { branch: "feature", event: "push" });
      await ends(w, "failure", { branch: "feature", event: "workflow_dispatch" });
      await ends(w, "failure", { event: "pull_request" });
      await ends(w, "failure", { event: "pull_request_target" });
      expect(told(w)).toEqual([]);
      await ends(w, "failure", { event: "workflow_dispatch" });
      await ends(w, "failure", { event: "push" });
      expect(issueOf(w).body).toContain("has failed 2 times in a row");
      expect(issueOf(w).body).toContain("- Started by: a push (`push`)\n");
    }));

  test("a fork's run does nothing, though its branch bears the same name", () =>
    world(async (w) => {
      const fork = await w.github.as("olly").fork(widgets);
      await ends(w, "failure", { event: "push", from: fork });
      expect(told(w)).toEqual([]);
    }));

  test("an installation that is not served is not listened to", () =>
    world(
      async (w) => {
        await ends(w, "failure");
        expect(told(w)).toEqual([]);
      },
      { installations: [1] },
    ));

  test("the workflows of the settings count, and no others", () =>
    world(async (w) => {
      const file = { ".parhelia/config.toml": '[failures]\nworkflows = ["nightly.yml"]\n' };
      await w.github.as("dana").push(widgets, file);
      await ends(w, "failure");
      expect(told(w)).toEqual([]);
      await ends(w, "failure", { file: "nightly.yml", name: "Nightly @olly [build]" });
      expect(issueOf(w)).toMatchObject({
        title: "🚨 Nightly @olly [build] failed - 2026-11-25",
        labels: ["ci-failure"],
      });
      expect(issueOf(w).body).not.toContain("@olly");
    }));

  test("each workflow has an issue of its own", () =>
    world(async (w) => {
      await ends(w, "failure");
      const e2e = { file: "e2e-modal.yml", name: "E2E", event: "workflow_dispatch", title: "E2E (full)" };
      await ends(w, "failure", e2e);
      expect(told(w).map(({ title, labels }) => [title, ...labels])).toEqual([
        ["🚨 Weekly image rebuild failed - 2026-11-25", "ci-failure", "priority-high"],
        ["🚨 E2E Modal tests failed - 2026-11-25", "ci-failure", "e2e-test"],
      ]);
      expect(told(w)[1]?.body).toContain("- Level: `full`\n");
      await ends(w, "success", e2e);
      expect(told(w).map(({ state }) => state)).toEqual(["open", "closed"]);
    }));
});

test("what fails for a month is told with a bound, and since when it has", () =>
  world(async (w) => {
    await ends(w, "failure");
    await w.pass(5 * dayMs);
    for (let n = 0; n < 34; n += 1)
      w.github.workflowRun(widgets, { ...rebuild, sha: "a".repeat(40), conclusion: "failure" });
    await w.deliver();
    await w.pass(minuteMs);
    expect(issueOf(w).body).toContain("has failed at least 30 times in a row, since 2026-11-25 08:00 UTC");
    await ends(w, "success");
    expect(saidIn(issueOf(w))[0]).toMatch(/, 5d after it first failed \(at least 29 failed runs\)/);
  }));

describe("order", () => {
  test("deliveries in another order and twice tell the same", () =>
    world(async (w) => {
      for (const conclusion of ["success", "failure", "failure", "failure"])
        w.github.workflowRun(widgets, { ...rebuild, sha: "a".repeat(40), conclusion });
      for (const delivery of w.github.deliveries.pending().slice(2)) w.github.deliveries.repeat(delivery);
      w.github.deliveries.shuffle(3);
      await w.deliver();
      await w.dispatch();
      expect(issueOf(w).body).toContain("has failed 3 times in a row");
      expect(issueOf(w).body).toMatch(/Newest run: \[run 4\]/);
    }));

  test("a failure that comes after a newer success opens nothing", () =>
    world(async (w) => {
      for (const conclusion of ["failure", "success"])
        w.github.workflowRun(widgets, { ...rebuild, sha: "a".repeat(40), conclusion });
      const [failure, success] = w.github.deliveries.pending().slice(-2);
      await w.github.deliveries.deliver(success);
      await w.dispatch();
      await w.github.deliveries.deliver(failure);
      await w.dispatch();
      expect(told(w)).toEqual([]);
    }));

  test("a run that passes when it is run again closes; an older one does not", () =>
    world(async (w) => {
      const one = await ends(w, "failure");
      const two = await ends(w, "failure");
      await ends(w, "success", { again: one });
      expect(issueOf(w)).toMatchObject({ state: "open" });
      expect(issueOf(w).body).toContain("failed on 2026-11-25 08:01 UTC.\n");
      await ends(w, "failure", { again: two });
      expect(issueOf(w).body).toMatch(/Newest run: \[run 2\]\(\S+\), attempt 2/);
      await ends(w, "success", { again: two });
      expect(issueOf(w)).toMatchObject({ state: "closed" });
    }));
});
