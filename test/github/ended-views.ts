/** What was heard of a task at work, and the same task when it has ended well and badly: examples to look at. */
import type { Heard } from "../../src/core/attempt.ts";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import type { InState } from "../../src/core/task.ts";
import { at, finding, madeSha, shared } from "./views.ts";

export const heard: Heard = {
  firstAt: at(20 * secondMs),
  lastAt: at(4 * minuteMs + 20 * secondMs),
  phase: "work",
  doing: ["reading `src/queue.ts`", "editing `src/queue.ts`"],
  plan: [
    { text: "Reproduce: `npm test -- queue` fails as described", state: "done" },
    { text: "Find the cause in `src/queue.ts`", state: "done" },
    { text: "Fix it and add a test", state: "now" },
    { text: "Run all tests", state: "todo" },
  ],
};

export const succeeded = (change: Partial<InState<"succeeded">> = {}): InState<"succeeded"> => ({
  ...shared(),
  state: "succeeded",
  startedAt: at(20 * secondMs),
  endedAt: at(9 * minuteMs + 20 * secondMs),
  finding: finding({
    summary:
      "`Queue.drain` returned `undefined` for an empty list, and the caller read `.length` of it.\nIt now returns an empty array; two tests cover it.",
  }),
  published: {
    branch: "parhelia/t_7k2m9x4q-fix-the-null-check",
    sha: madeSha,
    url: "https://github.com/acme/widgets/pull/482",
    pullRequest: 482,
    files: 3,
    added: 41,
    removed: 12,
    notes: [],
  },
  ...change,
});

export const failed = (): InState<"failed"> => ({
  ...succeeded(),
  state: "failed",
  finding: finding({
    verdict: "failed",
    because: "`npm test` exited with 1",
    tail: "AssertionError: expected 3 to be 2\n    at test/drain.test.ts:41\n```\n# not a heading, @dana",
    changedFiles: 2,
  }),
  published: {
    branch: "parhelia/t_7k2m9x4q-fix-the-null-check",
    sha: madeSha,
    url: "https://github.com/acme/widgets/tree/parhelia/t_7k2m9x4q-fix-the-null-check",
    pullRequest: null,
    files: 2,
    added: 17,
    removed: 3,
    notes: [],
  },
});
