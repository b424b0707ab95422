/** What a runner is given to do: the task's work on its pinned base. */
import type { AttemptId } from "./ids.ts";
import { promptFor } from "./prompt.ts";
import { protocolVersion, type Job } from "./protocol.ts";
import type { Base, Task } from "./task.ts";

export function jobFor(task: Task, base: Base, attempt: AttemptId): Job {
  return {
    version: protocolVersion,
    attempt,
    work: workFor(task, base),
    // A sandbox that reaches the service alone gets the repository through it.
    source: { url: task.spec.network?.reaches === "none" ? null : base.url, sha: base.sha, ref: base.fetchRef },
    gpu: task.spec.resources.gpu ?? null,
    timeoutMs: task.spec.timeoutMs,
  };
}

function workFor(task: Task, base: Base): Job["work"] {
  const { work } = task.spec;
  if (work.kind === "command") return { kind: "command", argv: [...work.argv] };
  const repositorySettings = task.policy?.claudeSettings === true && base.trusted;
  return {
    kind: "agent",
    agent: "claude-code",
    model: work.model,
    prompt: promptFor(task, base, work),
    repositorySettings,
  };
}
