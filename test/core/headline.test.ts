import { expect, test } from "vitest";
import { specFrom, toTask } from "../../src/commands/run.ts";
import { elapsed, headline, title } from "../../src/core/headline.ts";
import { attemptId, InstallationId, Sha, TaskId } from "../../src/core/ids.ts";
import { after, dayMs, hourMs, Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { ended, publishing, queuedForSlot, running, starting, waitingForMoney } from "../../src/core/moves.ts";
import { noMoney, usd } from "../../src/core/money.ts";
import { plainLine } from "../../src/core/markdown.ts";
import type { TaskView } from "../../src/core/ports/forge.ts";
import type { Finding, Published, Task, Verdict } from "../../src/core/task.ts";

const created = Instant.parse(Date.UTC(2026, 10, 25, 14, 2));
const now = after(created, 4 * minuteMs + 12 * secondMs);
const defaults = { timeoutMs: hourMs, budget: usd(5), cpu: 1, memoryMiB: 1024, model: null };
const newTask = (input: Parameters<typeof specFrom>[0] = { instruction: "fix the null check" }) =>
  toTask({
    id: TaskId.parse("t_aaaaaaa1"),
    origin: {
      place: {
        kind: "issue",
        installation: InstallationId.parse(1),
        repository: { id: 1, owner: "acme", name: "widgets" },
        number: 1,
        pullRequest: false,
      },
      actor: { id: 7, login: "dana" },
    },
    spec: specFrom(input, defaults),
    now: created,
  });
const view = (task: Task, more: Partial<TaskView> = {}): TaskView => ({
  task,
  attempt: undefined,
  heard: undefined,
  spent: usd(0.42),
  model: usd(0.4),
  ahead: 0,
  now,
  ...more,
});
const line = (task: Task, more: Partial<TaskView> = {}): string => {
  const { mark, text } = headline(view(task, more));
  return `${mark} ${text}`;
};

const queued = newTask();
const begun = starting(queued, attemptId(queued.id, 1), created);
const working = running(begun, created);
const finding = (verdict: Verdict, more: Partial<Finding> = {}): Finding => ({
  verdict,
  because: "",
  summary: "",
  tail: "",
  changedFiles: 3,
  left: [],
  ...more,
});
const end = (verdict: Verdict, more: Partial<Finding> = {}, published?: Published, from: Task = working): string =>
  line(ended(from, { finding: finding(verdict, more), published, now }));
const published: Published = {
  branch: "parhelia/t_aaaaaaa1",
  sha: Sha.parse("a".repeat(40)),
  url: "https://github.com/acme/widgets/pull/482",
  pullRequest: 482,
  files: 3,
  added: 41,
  removed: 12,
  notes: [],
};

test("a task that goes on says how long of what, and how much of what", () => {
  expect(line(queued)).toBe("🕒 Queued");
  expect(line(begun, { spent: noMoney })).toBe("⏳ Starting · 4m 12s · $0.00 of $5.00");
  expect(line(working)).toBe("⏳ Working · 4m 12s of 1h · $0.42 of $5.00");
  expect(line(publishing(working, finding("succeeded"), now))).toBe(
    "⏳ Publishing the result · 4m 12s of 1h · $0.42 of $5.00",
  );
});

test("after a retry the ceiling counts, not the budget alone", () => {
  expect(line({ ...working, ceiling: usd(5.42) })).toContain("$0.42 of $5.42");
});

test("a task that waits says for what and since when", () => {
  const slot = queuedForSlot(queued, created);
  expect(line(slot, { ahead: 2 })).toBe("🕒 Waiting for a free slot · 2 ahead · since 14:02 UTC");
  expect(line(slot)).toBe("🕒 Waiting for a free slot · next in line · since 14:02 UTC");
  expect(line(waitingForMoney(queued, "the month's ceiling is reached", created))).toBe(
    "🕒 Waiting for money · the month's ceiling is reached · since 14:02 UTC",
  );
  const h100 = queuedForSlot(newTask({ instruction: "x", gpu: "H100" }), created);
  expect(line({ ...h100, for: "capacity" }, { spent: noMoney })).toBe(
    "🕒 Waiting for GPU H100 · since 14:02 UTC · nothing is charged yet",
  );
});

test("a command that is done is named", () => {
  const command = { ...working, spec: { ...working.spec, work: { kind: "command" as const, argv: ["npm", "test"] } } };
  expect(end("succeeded", { changedFiles: 0 }, undefined, command)).toBe("✅ Done: `npm test` · 4m 12s · $0.42");
});

test("a task that was cancelled and has not ended is stopping, whatever it was doing", () => {
  const cancel = { at: now, by: { id: 7, login: "dana" } };
  for (const task of [queued, begun, working]) expect(line({ ...task, cancel })).toBe("⏳ Stopping · $0.42 of $5.00");
});

test("an ended task says how it ended, how long it took and what it cost", () => {
  expect(end("succeeded", {}, published)).toBe("✅ Done: #482 · 4m 12s · $0.42");
  expect(end("succeeded", {}, { ...published, pullRequest: null })).toBe(
    "✅ Done: branch parhelia/t_aaaaaaa1 · 4m 12s · $0.42",
  );
  expect(end("succeeded", { changedFiles: 0 })).toBe("✅ Done: nothing to change · 4m 12s · $0.42");
  expect(end("failed", { because: "`npm test` exited with 1" })).toBe(
    "❌ Failed: `npm test` exited with 1 · 4m 12s · $0.42",
  );
  expect(end("failed", { because: "x", trace: "9f3c" })).toBe(
    "⚠️ Something broke on our side (trace 9f3c) · 4m 12s · $0.42",
  );
  expect(end("timed-out")).toBe("⌛ Out of time · 4m 12s of 1h · $0.42");
  expect(end("over-budget")).toBe("💰 Stopped at its ceiling · 4m 12s · $0.42 of $5.00");
  const cancelled = { ...working, cancel: { at: now, by: { id: 7, login: "dana" } } };
  expect(end("cancelled", {}, undefined, cancelled)).toBe("🛑 Cancelled by dana · 4m 12s · $0.42");
  expect(end("failed", { because: "no such ref" }, undefined, queued)).toBe("❌ Not started: no such ref");
});

test("a long or many-lined reason stays on the line and is cut", () => {
  const text = end("failed", { because: `a\n@dana ${"long ".repeat(100)}` });
  expect(text).toMatch(/^❌ Failed: a @dana long .*… · 4m 12s · \$0\.42$/);
  expect(plainLine(text)).toContain("@\u200bdana");
});

test("a title is one short line", () => {
  expect(title(queued)).toBe("fix the null check");
  expect(title(newTask({ argv: ["npm", "test"] }))).toBe("npm test");
  expect(Array.from(title(newTask({ instruction: "😀".repeat(200) }))).length).toBe(72);
});

test.each([
  [-5, "0s"],
  [0, "0s"],
  [999, "0s"],
  [12 * secondMs, "12s"],
  [4 * minuteMs + 12_900, "4m 12s"],
  [5 * minuteMs, "5m"],
  [hourMs, "1h"],
  [hourMs + 5 * minuteMs + 59_000, "1h 5m"],
  [hourMs + 59_000, "1h"],
  [2 * dayMs + 3 * hourMs, "2d 3h"],
])("%d ms is %s", (ms, text) => {
  expect(elapsed(ms)).toBe(text);
});
