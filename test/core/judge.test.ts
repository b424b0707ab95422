/** What the evidence of an attempt comes to, where parts of it disagree. */
import { expect, test } from "vitest";
import { judge } from "../../src/core/judge.ts";
import type { AttemptResult } from "../../src/core/protocol.ts";
import { running } from "../github/views.ts";

const result: AttemptResult = {
  ended: "exited",
  exitCode: 0,
  signal: null,
  agent: { isError: false, subtype: "success", apiErrorStatus: null, text: "It is done.", turns: 3 },
  because: "",
  tail: "",
  parts: 0,
  changedFiles: 0,
  left: [],
};
const lost = "its changes could not be handed over: the service answered 413";

test("work whose changes are lost is not done, however well it ended", () => {
  expect(judge(running(), result)).toMatchObject({ verdict: "succeeded", left: [] });
  expect(judge(running(), { ...result, because: lost })).toMatchObject({ verdict: "failed", because: lost, left: [] });
});

test("a failure keeps its own cause and names the lost changes beside it", () => {
  const judged = judge(running(), { ...result, exitCode: 3, because: lost, left: ["`a` was too large."] });
  expect(judged).toMatchObject({ verdict: "failed", left: [lost, "`a` was too large."] });
  expect(judged.because).toContain("exited with 3");
});

test("what could not start says why, once", () => {
  const judged = judge(running(), { ...result, ended: "could-not-start", because: "there is no commit" });
  expect(judged).toMatchObject({ verdict: "failed", because: "there is no commit", left: [] });
});
