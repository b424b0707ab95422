/** What is known of a workflow's runs is the same in every order; and each state of the issue has one right next step. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  mostRuns,
  nextFailureStep,
  standingOf,
  toldOf,
  withRun,
  type FailureIssue,
  type IssueThere,
  type WorkflowRun,
} from "../../src/core/failures.ts";
import { Instant } from "../../src/core/instant.ts";

const at = (number: number, attempt = 1): Instant => Instant.parse(1_000_000 * number + attempt);

const run = (number: number, outcome: WorkflowRun["outcome"] = "failure", attempt = 1): WorkflowRun => ({
  number,
  attempt,
  outcome,
  endedAt: at(number, attempt),
  trigger: "schedule",
  title: "",
});
const passed = (number: number, attempt = 1): WorkflowRun => run(number, "passed", attempt);

const all = (runs: readonly WorkflowRun[]): readonly WorkflowRun[] =>
  runs.reduce<readonly WorkflowRun[]>((known, each) => withRun(known, each) ?? known, []);

const issue = (told: readonly WorkflowRun[], more: Partial<FailureIssue> = {}): FailureIssue => ({
  number: 2,
  id: 77,
  left: "open",
  first: told[0]?.number ?? 1,
  since: at(1),
  told: toldOf(told),
  ...more,
});
const open: IssueThere = { state: "open", reason: null, closedAt: undefined };
const closed = (reason: string, closedAt = at(0)): IssueThere => ({ state: "closed", reason, closedAt });

const next = (runs: readonly WorkflowRun[], known?: FailureIssue, there: IssueThere = open) =>
  nextFailureStep(all(runs), known && { ...known, there }, "watched").do;

test("late, repeated and reordered deliveries come to the same", () => {
  const some = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 3 }), fc.boolean()), { maxLength: 60 })
    .map((drawn) => {
      const named = new Map(
        drawn.map(([n, attempt, ok]) => [`${n}/${attempt}`, run(n, ok ? "passed" : "failure", attempt)]),
      );
      return [...named.values()];
    });
  fc.assert(
    fc.property(
      some.chain((runs) =>
        fc.tuple(fc.constant(runs), fc.shuffledSubarray([...runs, ...runs], { minLength: runs.length * 2 })),
      ),
      ([runs, mixed]) => {
        const inOrder = runs.toSorted((one, other) => one.number - other.number || one.attempt - other.attempt);
        expect(all(mixed)).toEqual(all(inOrder));
        expect(all(mixed).length).toBeLessThanOrEqual(mostRuns);
      },
    ),
  );
});

test("what failed before the last that passed counts no more, and what runs again keeps its place", () => {
  expect(standingOf(all([run(1), passed(2), run(3), run(4)]))).toMatchObject({
    passed: { number: 2 },
    failed: [{ number: 3 }, { number: 4 }],
  });
  expect(standingOf(all([run(5), run(6), passed(5, 2)])).failed).toMatchObject([{ number: 6 }]);
  expect(standingOf(all([run(5), passed(5, 2), run(5, "failure", 1)])).failed).toEqual([]);
});

test("evidence is kept of the newest run alone", () => {
  const evidence = { failing: [], logs: [{ job: "build", text: "the end" }] };
  const runs = all([
    { ...run(1), evidence },
    { ...run(2), evidence },
  ]);
  expect(runs.map((each) => each.evidence?.logs[0]?.text)).toEqual([undefined, "the end"]);
});

test.each([
  ["the first failure", [run(1)], undefined, open, "open"],
  ["a success without an issue", [passed(1)], undefined, open, "nothing"],
  ["a failure that is older than a success", [passed(2), run(1)], undefined, open, "nothing"],
  ["a further failure", [run(1), run(2)], issue([run(1)]), open, "update"],
  ["one that is told of", [run(1), run(2)], issue([run(1), run(2)]), open, "nothing"],
  ["a success", [run(1), passed(2)], issue([run(1)]), open, "close"],
  ["the same run, passed when run again", [run(1), passed(1, 2)], issue([run(1)]), open, "close"],
  ["an older run, passed when run again", [run(1), run(2), passed(1, 2)], issue([run(1), run(2)]), open, "update"],
  ["a success after somebody closed it", [run(1), passed(2)], issue([run(1)]), closed("completed"), "settle"],
  [
    "a failure after we closed it, however late we did",
    [run(1), passed(2), run(3)],
    issue([run(1)], { left: "closed" }),
    closed("completed", at(9)),
    "reopen",
  ],
  [
    "a failure after somebody closed it as done",
    [run(1), run(2)],
    issue([run(1)]),
    closed("completed", at(1, 5)),
    "reopen",
  ],
  ["one that had ended before that", [run(1), run(2)], issue([run(1)]), closed("completed", at(3)), "update"],
  [
    "a failure after somebody closed it as not planned",
    [run(1), run(2)],
    issue([run(1)]),
    closed("not_planned"),
    "note",
  ],
  ["a failure after somebody closed it as a duplicate", [run(1), run(2)], issue([run(1)]), closed("duplicate"), "note"],
  [
    "a failure after that was noted",
    [run(1), run(2)],
    issue([run(1)], { noted: true }),
    closed("not_planned"),
    "nothing",
  ],
  [
    "a failure after somebody opened it again",
    [run(1), passed(2), run(3)],
    issue([run(1)], { left: "closed" }),
    open,
    "update",
  ],
  [
    "a success after somebody opened again what we had closed",
    [run(1), passed(2), passed(3)],
    issue([run(1)], { left: "closed" }),
    open,
    "nothing",
  ],
] as const)("%s", (_, runs, known, there, step) => {
  expect(next(runs, known, there)).toBe(step);
});

test("where nobody watches, nothing is made, updated or opened again, but a success still closes", () => {
  const step = (runs: WorkflowRun[], known?: FailureIssue, there = open) =>
    nextFailureStep(runs, known && { ...known, there }, "not watched").do;
  expect(step([run(1)])).toBe("nothing");
  expect(step([run(1), run(2)], issue([run(1)]))).toBe("nothing");
  expect(step([run(1), passed(2), run(3)], issue([run(1)], { left: "closed" }), closed("completed"))).toBe("nothing");
  expect(step([run(1), passed(2)], issue([run(1)]))).toBe("close");
});

test("a success says how often it had failed", () => {
  const known = { ...issue([run(1), run(2), run(3)]), there: open };
  expect(nextFailureStep(all([run(1), run(2), run(3), passed(4)]), known, "watched")).toMatchObject({
    do: "close",
    passed: { number: 4 },
    failed: 3,
  });
});
