/** The attempt from job to acknowledged result: what the runner does, in order, and what goes on beside it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { heartbeatEveryMs, protocolVersion, type AttemptResult, type Job, type RunnerEvent } from "../core/protocol.ts";
import { claudeCode } from "./agents/claude-code.ts";
import { openBridge } from "./bridge.ts";
import { childEnvironment, markOf } from "./environment.ts";
import { insist, type Reach } from "./gateway.ts";
import { watchInbox } from "./inbox.ts";
import { openJournal, type Journal } from "./journal.ts";
import { get, parse } from "./json.ts";
import type { LineSink } from "./lines.ts";
import { collect, type Collected } from "./manifest.ts";
import { openPusher } from "./push.ts";
import { openTail, type Tail } from "./tail.ts";
import { runWork } from "./work.ts";
import { CannotPrepare, helperLine, prepare, type Base, type Ground } from "./workspace.ts";

export type Setting = {
  reach: Reach;
  /** The runner's own, without the token. */
  env: NodeJS.ProcessEnv;
  /** Paths of the Node.js and the file that run this. */
  node: string;
  runner: string;
  /** An existing, empty directory. */
  workspace: string;
  /** `unix:<path>` of the network's proxy, or undefined. */
  proxy: string | undefined;
  /** Path of Claude Code. */
  claude: string;
  isRoot: boolean;
};

type Phase = Extract<RunnerEvent, { type: "phase" }>["phase"];

/** What one attempt's parts share. */
type Run = {
  job: Job;
  setting: Setting;
  ground: Ground;
  journal: Journal;
  tail: Tail;
  cancel: AbortSignal;
  begin: (phase: Phase) => void;
};

const nothing: AttemptResult = {
  ended: "could-not-start",
  exitCode: null,
  signal: null,
  agent: null,
  because: "",
  tail: "",
  parts: 0,
  changedFiles: 0,
  left: [],
};

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

function outputSink({ journal, tail }: Run, stream: "stdout" | "stderr"): LineSink {
  return {
    line(message) {
      tail.add(message);
      journal.add({ type: "output", stream, level: "info", message });
    },
    cut(beginning, bytes) {
      const message = `A line of ${bytes} bytes on ${stream} was left out; it begins: ${beginning}`;
      tail.add(message);
      journal.add({ type: "output_cut", level: "warning", message, bytes });
    },
  };
}

async function work(run: Run): Promise<Partial<AttemptResult>> {
  const { job, setting, ground, journal, tail, cancel } = run;
  const { timing } = setting.reach;
  const limits = { timing, timeoutMs: job.timeoutMs, cancel, mark: markOf(job.attempt) };
  const common = { cwd: ground.workspace, env: ground.env };
  const stdout = outputSink(run, "stdout");
  const stderr = outputSink(run, "stderr");
  if (job.work.kind === "command")
    return runWork({ ...common, argv: job.work.argv, input: "" }, { stdout, stderr }, limits);

  const { model, prompt } = job.work;
  const agent = claudeCode({ binary: setting.claude, model, prompt, isRoot: setting.isRoot });
  const line = (text: string): void => {
    for (const fact of agent.read(text)) {
      if (fact.type === "agent_text" || fact.type === "output") tail.add(fact.message);
      journal.add(fact);
    }
  };
  const command = { ...common, argv: agent.argv, env: { ...ground.env, ...agent.env }, input: agent.input };
  const ended = await runWork(command, { stdout: { line, cut: stdout.cut }, stderr }, limits);
  return { ...ended, agent: agent.closing() };
}

/** A result whose changes could not be handed over as a whole has none: half of a change is worse than none. */
async function collectAll({ setting, ground }: Run, base: Base): Promise<Collected> {
  // The work may have emptied the directory that was there before it, or put a repository of its own into it.
  let scratch: string | undefined;
  try {
    scratch = mkdtempSync(join(tmpdir(), "parhelia-"));
    return await collect({ ...ground, scratch }, base, async (n, part) => {
      const { status, text } = await insist(setting.reach, "PUT", `/gateway/result/${n}`, part);
      if (status >= 300) throw new Error(`the service answered ${status} ${text.slice(0, 300)}`);
    });
  } catch (cause) {
    return {
      parts: 0,
      changedFiles: 0,
      left: [`The changes could not be handed over: ${messageOf(cause)}.`.slice(0, 1000)],
    };
  } finally {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  }
}

async function perform(run: Run): Promise<AttemptResult> {
  const { job, setting, ground, tail, cancel, begin } = run;
  let base: Base;
  try {
    base = await prepare(ground, job.source, { timing: setting.reach.timing, stop: cancel, phase: begin });
  } catch (cause) {
    if (cancel.aborted) return { ...nothing, ended: "cancelled" };
    if (cause instanceof CannotPrepare) return { ...nothing, because: cause.message.slice(0, 1000) };
    throw cause;
  }
  begin("work");
  const ended = await work(run);
  begin("collect");
  const collected = await collectAll(run, base);
  return { ...nothing, ...ended, tail: tail.read(), ...collected };
}

async function beat({ timing }: Reach, journal: Journal): Promise<never> {
  for (;;) {
    await timing.sleep(heartbeatEveryMs);
    // What waits to be pushed says as much; a service that is away would get them all at once.
    if (journal.empty) journal.add({ type: "heartbeat", level: "debug", message: "" });
  }
}

async function runJob(setting: Setting, job: Job, scratch: string): Promise<number> {
  const { reach, env, node, runner, workspace } = setting;
  const journal = openJournal(join(scratch, "events"), reach.timing.now);
  const cancelled = new AbortController();
  const closing = new AbortController();
  const cancel = AbortSignal.any([cancelled.signal, reach.over.signal]);
  journal.add({ type: "runner_started", level: "info", message: "The sandbox is up" });
  const pushed = openPusher(journal, reach).run(closing.signal);
  // Neither ends before the process does; what they throw ends it.
  void beat(reach, journal);
  void watchInbox(reach, () => cancelled.abort());

  const bridge = await openBridge(reach.gateway, setting.proxy);
  const home = env["HOME"] ?? scratch;
  const ground: Ground = {
    workspace,
    home,
    scratch,
    bridge: bridge.address,
    helper: helperLine([node, runner, "credential", bridge.address]),
    env: childEnvironment(env, { attempt: job.attempt, home, bridge: bridge.address, proxy: bridge.proxy }),
  };
  const begin = (phase: Phase): void => journal.add({ type: "phase", phase, level: "info", message: phase });
  const run: Run = { job, setting, ground, journal, tail: openTail(), cancel, begin };
  const result = await perform(run).catch((cause: unknown): AttemptResult => ({
    ...nothing,
    because: `The runner failed: ${messageOf(cause)}`.slice(0, 1000),
  }));
  bridge.close();
  // The result comes after everything that it is the end of.
  closing.abort();
  begin("push");
  await pushed;
  const { status, text } = await insist(reach, "POST", "/gateway/result", JSON.stringify(result));
  if (status < 300) return 0;
  console.error(`The service did not take the result (status ${status}): ${text.slice(0, 500)}`);
  return 1;
}

/** The service checked what it sends; another version, or work of a kind unknown here, is not understood. */
const isJob = (job: unknown): job is Job =>
  get(job, "version") === protocolVersion &&
  (get(job, "work", "kind") === "command" || get(job, "work", "agent") === "claude-code");

/** Resolves to the exit code: 0 once the result is acknowledged, 1 where the service wants nothing more of this attempt. */
export async function runAttempt(setting: Setting): Promise<number> {
  const answer = await insist(setting.reach, "GET", "/gateway/job");
  const job = parse(answer.text);
  if (answer.status !== 200 || !isJob(job)) {
    console.error(`There is no job that this runner understands (status ${answer.status}).`);
    return 1;
  }
  const scratch = mkdtempSync(join(tmpdir(), "parhelia-"));
  try {
    return await runJob(setting, job, scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
