/** Tasks and views as tests write them down: one ordinary task, changed where a test needs it otherwise. */
import { AttemptId, InstallationId, SandboxName, Sha, TaskId } from "../../src/core/ids.ts";
import { Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { noMoney, usd } from "../../src/core/money.ts";
import type { TaskView } from "../../src/core/ports/forge.ts";
import type { Base, Finding, InState, IssuePlace, Task } from "../../src/core/task.ts";

export const startMs = Date.UTC(2026, 10, 25, 14, 2, 0);
export const at = (afterMs: number): Instant => Instant.parse(startMs + afterMs);
const taskId = TaskId.parse("t_7k2m9x4q");
export const attemptId = AttemptId.parse("t_7k2m9x4q-1");
const baseSha = Sha.parse("4f2c1e9aa51b2c3d4e5f60718293a4b5c6d7e8f9");
export const madeSha = Sha.parse("9b1d3e5f7a9c0b2d4f6a8c0e1b3d5f7a9c1e3b5d");

export const place: IssuePlace = {
  kind: "issue",
  installation: InstallationId.parse(1),
  repository: { id: 500_001, owner: "acme", name: "widgets" },
  number: 7,
  pullRequest: false,
};

export const base: Base = {
  sha: baseSha,
  ref: "main",
  fetchRef: "refs/heads/main",
  url: "https://github.com/acme/widgets.git",
  into: "main",
  trusted: true,
  head: null,
  quoted: [],
};

type Shared = Omit<InState<"queued">, "state" | "tries" | "since">;
export const shared = (change: Partial<Shared> = {}): Shared => ({
  id: taskId,
  origin: {
    place,
    actor: { id: 1001, login: "dana" },
    comment: { id: 900, url: "https://github.com/acme/widgets/issues/7#issuecomment-900" },
  },
  spec: {
    work: { kind: "agent", instruction: "fix the null check when the list is empty", body: "", model: null },
    timeoutMs: 60 * minuteMs,
    budget: usd(5),
    resources: { cpu: 2, memoryMiB: 4096 },
    ref: null,
    publish: true,
  },
  createdAt: at(0),
  attempts: 1,
  attemptsBefore: 0,
  ceiling: usd(5),
  base,
  ...change,
});

export const running = (change: Partial<Shared> = {}): InState<"running"> => ({
  ...shared(change),
  state: "running",
  since: at(20 * secondMs),
  startedAt: at(20 * secondMs),
  attempt: attemptId,
});

export const publishing = (change: Partial<Shared> = {}): InState<"publishing"> => ({
  ...running(change),
  state: "publishing",
  finding: finding(),
  tries: 0,
});

export const finding = (change: Partial<Finding> = {}): Finding => ({
  verdict: "succeeded",
  because: "Claude Code finished",
  summary: "",
  tail: "",
  changedFiles: 3,
  left: [],
  ...change,
});

export const view = (task: Task, change: Partial<TaskView> = {}): TaskView => ({
  task,
  attempt: {
    id: attemptId,
    task: task.id,
    sandbox: SandboxName.parse(`parhelia-${attemptId}`),
    claimedAt: at(5 * secondMs),
    createdAt: at(10 * secondMs),
    microUsdPerHour: usd(0.35),
  },
  heard: undefined,
  spent: noMoney,
  model: noMoney,
  ahead: 0,
  now: at(4 * minuteMs + 32 * secondMs),
  ...change,
});
