/** What an attempt came to, judged on all the evidence: never on an exit status alone, never on an agent's word alone. */
import { idleWords, wasIdle } from "./idle.ts";
import { inlineCode } from "./markdown.ts";
import type { AttemptResult } from "./protocol.ts";
import type { PublishAs } from "./ports/forge.ts";
import { asked, type Finding, type Task } from "./task.ts";

export function judge(task: Task, result: AttemptResult): Finding {
  const { verdict, because } = verdictOf(task, result);
  // A failure that has its own cause tells this one among what is missing.
  const left = kept(result) || because === result.because ? result.left : [result.because, ...result.left];
  return {
    verdict,
    because,
    summary: result.agent?.text ?? "",
    tail: result.tail,
    changedFiles: result.changedFiles,
    left,
  };
}

type Judgement = Pick<Finding, "verdict" | "because">;

function verdictOf(task: Task, result: AttemptResult): Judgement {
  // A wish to stop holds even where the work was done before it arrived: nothing is published after a cancel.
  if (task.cancel !== undefined) return { verdict: "cancelled", because: `cancelled by ${task.cancel.by.login}` };
  switch (result.ended) {
    case "timed-out":
      return { verdict: "timed-out", because: "its time was up" };
    case "could-not-start":
      return { verdict: "failed", because: result.because };
    case "cancelled":
      if (wasIdle(task)) return { verdict: "timed-out", because: idleWords };
      return { verdict: "failed", because: "the work was stopped inside the sandbox" };
    case "exited": {
      const judgement = task.spec.work.kind === "command" ? commandVerdict(task, result) : agentVerdict(result);
      // Work whose changes are lost is not done, however well it ended.
      return judgement.verdict === "succeeded" && !kept(result)
        ? { verdict: "failed", because: result.because }
        : judgement;
    }
  }
}

/** Work that came to its end says why its changes are not here, where they are not. */
const kept = ({ ended, because }: AttemptResult): boolean => ended !== "exited" || because === "";

function commandVerdict(task: Task, result: AttemptResult): Judgement {
  const command = inlineCode(asked(task.spec.work));
  if (result.exitCode === 0) return { verdict: "succeeded", because: `${command} exited with 0` };
  return { verdict: "failed", because: `${command} ${howItEnded(result)}` };
}

/** HTTP status with which the gateway refuses a model call above the ceiling. */
const paymentRequired = 402;

function agentVerdict(result: AttemptResult): Judgement {
  const { agent } = result;
  if (agent === null) return { verdict: "failed", because: `Claude Code ${howItEnded(result)} without a result` };
  if (agent.apiErrorStatus === paymentRequired) return { verdict: "over-budget", because: "it reached its ceiling" };
  if (agent.isError) return { verdict: "failed", because: `Claude Code gave up (${inlineCode(agent.subtype)})` };
  if (result.exitCode !== 0) return { verdict: "failed", because: `Claude Code ${howItEnded(result)}` };
  return { verdict: "succeeded", because: "Claude Code finished" };
}

function howItEnded(result: AttemptResult): string {
  if (result.signal !== null) return `was ended by ${inlineCode(result.signal)}`;
  return result.exitCode === null ? "ended" : `exited with ${result.exitCode}`;
}

/**
 * How the changes of an attempt leave: asked to be merged, shown as a draft because only the money was missing, kept on a
 * branch because somebody may go on with them, or not at all.
 */
export function publishAs(task: Task, finding: Finding): PublishAs | undefined {
  if (!task.spec.publish || finding.changedFiles === 0) return undefined;
  if (finding.verdict === "succeeded") return "pull-request";
  if (finding.verdict === "over-budget") return "draft";
  return task.spec.work.kind === "agent" && finding.verdict !== "cancelled" ? "branch" : undefined;
}
