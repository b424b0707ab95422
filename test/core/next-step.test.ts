/** The one decision: what each state does with each fact. Whole lives are played against the real engine in `test/engine`. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Attempt, Heard } from "../../src/core/attempt.ts";
import { attemptId, InstallationId, sandboxName, Sha, TaskId } from "../../src/core/ids.ts";
import { after, Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { microUsd, usd } from "../../src/core/money.ts";
import { admitted, publishing, running, starting } from "../../src/core/moves.ts";
import { nextStep, noResult, patience } from "../../src/core/next-step.ts";
import { policyFrom } from "../../src/core/policy.ts";
import { defaultSettings } from "../../src/core/settings/settings.ts";
import type { AttemptResult } from "../../src/core/protocol.ts";
import type { Base, InState, Task, Work } from "../../src/core/task.ts";

const at = Instant.parse(1_000_000);
const id = TaskId.parse("t_7k2m9x4q");
const dana = { id: 1001, login: "dana" };
const agent: Work = { kind: "agent", instruction: "fix it", body: "", model: null };

const base: Base = {
  sha: Sha.parse("a".repeat(40)),
  ref: "main",
  fetchRef: "refs/heads/main",
  url: "https://github.com/acme/widgets.git",
  into: "main",
  trusted: true,
  head: null,
  quoted: [],
};

const queued = (work: Work = agent): InState<"queued"> => ({
  id,
  origin: {
    place: {
      kind: "issue",
      installation: InstallationId.parse(1),
      repository: { id: 5, owner: "acme", name: "widgets" },
      number: 1,
      pullRequest: false,
    },
    actor: dana,
  },
  spec: {
    work,
    timeoutMs: 60 * minuteMs,
    budget: usd(5),
    resources: { cpu: 1, memoryMiB: 1024 },
    ref: null,
    publish: true,
  },
  createdAt: at,
  attempts: 0,
  attemptsBefore: 0,
  ceiling: usd(5),
  state: "queued",
  since: at,
  tries: 0,
});

const waiting = admitted(
  queued(),
  { base, spec: queued().spec, lowered: {}, policy: policyFrom(defaultSettings(), {}) },
  at,
);
const started = starting(waiting, attemptId(id, 1), at);
const working = running(started, at);
const cancelled = <T extends Task>(task: T): T => ({ ...task, cancel: { at, by: dana } });

const attempt = (also: Partial<Attempt> = {}): Attempt => ({
  id: attemptId(id, 1),
  task: id,
  sandbox: sandboxName(attemptId(id, 1)),
  claimedAt: at,
  microUsdPerHour: microUsd(0),
  ...also,
});
const made = attempt({ createdAt: at });
const heard = (lastAt = at): Heard => ({ firstAt: at, lastAt, phase: "work", doing: [], plan: [] });

const result = (also: Partial<AttemptResult> = {}): AttemptResult => ({
  ended: "exited",
  exitCode: 0,
  signal: null,
  agent: { isError: false, subtype: "success", apiErrorStatus: null, text: "Done.", turns: 2 },
  because: "",
  tail: "",
  parts: 1,
  changedFiles: 1,
  left: [],
  ...also,
});

test("a task goes from the queue to its sandbox one step at a time", () => {
  expect(nextStep(queued(), {}, at).do).toBe("admit");
  expect(nextStep(waiting, {}, at).do).toBe("claim");
  expect(nextStep(started, { attempt: attempt() }, at).do).toBe("create");
  expect(nextStep(started, { attempt: made }, at)).toMatchObject({
    do: "wait",
    until: after(at, patience.firstWordMs),
  });
  expect(nextStep(started, { attempt: made, heard: heard() }, at)).toMatchObject({ do: "run", startedAt: at });
  // Who made the sandbox died before it wrote that down.
  expect(nextStep(started, { attempt: attempt(), heard: heard() }, at).do).toBe("note");
});

test("a sealed result ends the attempt, whatever else is due", () => {
  const late = after(at, 120 * minuteMs);
  const step = nextStep(working, { attempt: made, heard: heard(), result: result() }, late);
  expect(step).toMatchObject({ do: "end", outcome: "succeeded", next: { do: "publish" } });
  const nothing = result({ changedFiles: 0, parts: 0 });
  expect(nextStep(working, { attempt: made, result: nothing }, at)).toMatchObject({ next: { do: "finish" } });
});

test.each([
  ["exit 0 without the agent's word", { agent: null }, "failed"],
  ["the agent's word without exit 0", { exitCode: 1 }, "failed"],
  ["an error that calls itself success", { exitCode: 1, agent: { ...result().agent, isError: true } }, "failed"],
  ["a model call refused for money", { exitCode: 1, agent: { ...result().agent, apiErrorStatus: 402 } }, "over-budget"],
  ["time", { ended: "timed-out", exitCode: null, agent: null }, "timed-out"],
] as const)("an agent's verdict is judged on all the evidence: %s", (_, also, outcome) => {
  const facts = { attempt: made, result: result(also as Partial<AttemptResult>) };
  expect(nextStep(working, facts, at)).toMatchObject({ do: "end", outcome });
});

test("a cancel ends a task that waits at once, and a running one after its runner had time to stop", () => {
  expect(nextStep(cancelled(queued()), {}, at)).toMatchObject({ do: "finish", finding: { verdict: "cancelled" } });
  const facts = { attempt: made, heard: heard() };
  expect(nextStep(cancelled(working), facts, at)).toMatchObject({ do: "wait", until: after(at, patience.cancelMs) });
  expect(nextStep(cancelled(working), facts, after(at, patience.cancelMs))).toMatchObject({
    do: "end",
    outcome: "cancelled",
  });
  // Its work was done before it heard of it: still nothing is published.
  expect(nextStep(cancelled(working), { ...facts, result: result() }, at)).toMatchObject({
    outcome: "cancelled",
    next: { do: "finish" },
  });
});

test("silence asks the backend, and only its answer loses the attempt", () => {
  const silent = after(at, patience.silenceMs);
  expect(nextStep(working, { attempt: made, heard: heard() }, silent).do).toBe("find");
  const alive = attempt({ createdAt: at, seen: { at: silent, alive: true } });
  expect(nextStep(working, { attempt: alive, heard: heard() }, silent)).toMatchObject({
    do: "wait",
    until: after(silent, patience.askAgainMs),
  });
  const gone = attempt({ createdAt: at, seen: { at: silent, alive: false } });
  expect(nextStep(working, { attempt: gone, heard: heard() }, silent)).toMatchObject({
    do: "end",
    outcome: "lost",
    next: { do: "requeue" },
  });
});

test("what cannot be published any more is finished with what was found", () => {
  const finding = { ...noResult("succeeded", "done"), changedFiles: 2 };
  expect(nextStep(publishing(working, finding, at), {}, at)).toMatchObject({ do: "publish", as: "pull-request" });
  const failed = { ...finding, verdict: "failed" as const };
  expect(nextStep(publishing(working, failed, at), {}, at)).toMatchObject({ do: "publish", as: "branch" });
  // A cancel comes too late: a pull request may be there already.
  expect(nextStep(cancelled(publishing(working, finding, at)), {}, at)).toMatchObject({ do: "publish" });
});

const anyTask = fc
  .tuple(fc.constantFrom<Task>(queued(), waiting, started, working), fc.boolean())
  .map(([task, stop]) => (stop ? cancelled(task) : task));
const anyFacts = fc.record({
  createdAfter: fc.option(fc.integer({ min: 0, max: 10 * minuteMs }), { nil: undefined }),
  alive: fc.option(fc.boolean(), { nil: undefined }),
  heardAfter: fc.option(fc.integer({ min: 0, max: 90 * minuteMs }), { nil: undefined }),
  exitCode: fc.option(fc.constantFrom(0, 1), { nil: undefined }),
  now: fc.integer({ min: 0, max: 200 * minuteMs }),
});

test("every state and every fact give a step with a reason, and a wait is never for the past", () => {
  fc.assert(
    fc.property(anyTask, anyFacts, (task, { createdAfter, alive, heardAfter, exitCode, now }) => {
      const facts = {
        attempt: attempt({
          ...(createdAfter === undefined ? {} : { createdAt: after(at, createdAfter) }),
          ...(alive === undefined ? {} : { seen: { at: after(at, now - 10 * secondMs), alive } }),
        }),
        heard: heardAfter === undefined ? undefined : heard(after(at, heardAfter)),
        result: exitCode === undefined ? undefined : result({ exitCode }),
      };
      const step = nextStep(task, facts, after(at, now));
      expect(step.because).not.toBe("");
      // A wait for an instant that has passed would make the loop spin.
      if (step.do === "wait" && step.until !== null) expect(step.until).toBeGreaterThan(after(at, now));
    }),
    { numRuns: 2000 },
  );
});
