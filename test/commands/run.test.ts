import { expect, test } from "vitest";
import { parseComment } from "../../src/commands/parse.ts";
import { specFrom, toTask } from "../../src/commands/run.ts";
import type { RunDefaults } from "../../src/commands/command.ts";
import { InstallationId, TaskId } from "../../src/core/ids.ts";
import { hourMs, Instant, minuteMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { Task, type Spec } from "../../src/core/task.ts";

const defaults: RunDefaults = { timeoutMs: hourMs, budget: usd(5), cpu: 2, memoryMiB: 4096, model: "claude-default" };

const spec = (words: string): Spec => {
  const [said] = parseComment(`/parhelia run ${words}`);
  if (said?.kind !== "command" || said.name !== "run") throw new Error(`"${words}" is no run: ${JSON.stringify(said)}`);
  return specFrom(said.input, defaults);
};

test("what is not said comes from the defaults", () => {
  expect(spec("fix it")).toEqual({
    work: { kind: "agent", instruction: "fix it", body: "", model: "claude-default" },
    timeoutMs: hourMs,
    budget: 5_000_000,
    resources: { cpu: 2, memoryMiB: 4096 },
    ref: null,
    publish: true,
    named: [],
  });
});

test.each([
  ["--timeout 30m", { timeoutMs: 30 * minuteMs }],
  ["--timeout 1h30m", { timeoutMs: 90 * minuteMs }],
  ['--timeout "1h 30m"', { timeoutMs: 90 * minuteMs }],
  ["--timeout 1.5h", { timeoutMs: 90 * minuteMs }],
  ["--budget $5", { budget: 5_000_000 }],
  ["--budget 0.50", { budget: 500_000 }],
  ['--budget "2 USD"', { budget: 2_000_000 }],
  ["--budget 0.000001", { budget: 1 }],
  ["--memory 8", { resources: { cpu: 2, memoryMiB: 8192 } }],
  ["--memory 8GiB", { resources: { cpu: 2, memoryMiB: 8192 } }],
  ["--memory 0.5gb", { resources: { cpu: 2, memoryMiB: 512 } }],
  ["--memory 512MiB", { resources: { cpu: 2, memoryMiB: 512 } }],
  ["--cpu 0.5", { resources: { cpu: 0.5, memoryMiB: 4096 } }],
  ["--gpu a10g:4", { resources: { cpu: 2, memoryMiB: 4096, gpu: "A10:4" } }],
  ["--gpu a100-80gb:8", { resources: { cpu: 2, memoryMiB: 4096, gpu: "A100-80GB:8" } }],
  ["--gpu T4:1", { resources: { cpu: 2, memoryMiB: 4096, gpu: "T4" } }],
  ["--ref feature/x", { ref: "feature/x" }],
  ["--no-publish", { publish: false }],
])("%s", (options, part) => {
  expect(spec(`${options} x`)).toMatchObject(part);
});

test("a command keeps its words as they were", () => {
  expect(spec(`-- sh -c 'echo "$HOME" > a'`).work).toEqual({ kind: "command", argv: ["sh", "-c", 'echo "$HOME" > a'] });
});

test("an instruction of several lines, as a client may send it, becomes one line and a body", () => {
  expect(specFrom({ instruction: "fix it\r\n\r\nsoon", body: "please" }, defaults).work).toMatchObject({
    instruction: "fix it",
    body: "soon\n\nplease",
  });
});

test("a new task is queued, has its budget as ceiling and fits its schema", () => {
  const now = Instant.parse(5000);
  const origin = {
    place: {
      kind: "issue" as const,
      installation: InstallationId.parse(1),
      repository: { id: 1, owner: "acme", name: "widgets" },
      number: 3,
      pullRequest: false,
    },
    actor: { id: 7, login: "dana" },
    comment: { id: 900, url: "https://github.com/acme/widgets/issues/3#issuecomment-900" },
  };
  const task = toTask({ id: TaskId.parse("t_aaaaaaa1"), origin, spec: spec("--budget $2 x"), now });
  expect(Task.parse(task)).toEqual(task);
  expect(task).toMatchObject({
    state: "queued",
    ceiling: 2_000_000,
    attempts: 0,
    attemptsBefore: 0,
    tries: 0,
    since: now,
  });
});
