/** The attempt from job to acknowledged result: what the runner does, in order, and what goes on beside it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { heartbeatEveryMs, protocolVersion, type AttemptResult, type Job, type RunnerEvent } from "../core/protocol.ts";
import { output, plainCommand } from "./agents/agent.ts";
import { claudeCode } from "./agents/claude-code.ts";
import { openBridge } from "./bridge.ts";
import { readCards } from "./cards.ts";
import { childEnvironment, markOf } from "./environment.ts";
import { insist, type Reach } from "./gateway.ts";
import { GitFailed } from "./git.ts";
import { watchInbox } from "./inbox.ts";
import { openJournal, type Fact, type Journal } from "./journal.ts";
import { get, parse } from "./json.ts";
import type { LineSink } from "./lines.ts";
import { collect } from "./manifest.ts";
import { openPusher } from "./push.ts";
import { openTail } from "./tail.ts";
import { give, type User } from "./user.ts";
import { runWork } from "./work.ts";
import { helperLine, prepare, type Base, type Ground } from "./workspace.ts";

export type Setting = {
  reach: Reach;
  /** The runner's own, without the token; in PARHELIA_WARNING what went wrong before it began. */
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
  /** Whom the work runs as; the workspace and the home are that user's. */
  user: User;
};

type Phase = Extract<RunnerEvent, { type: "phase" }>["phase"];

/** What one attempt's parts share. */
type Run = {
  job: Job;
  setting: Setting;
  ground: Ground;
  journal: Journal;
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

/** Types of the events that are what the work itself said. */
const inTail = new Set<Fact["type"]>(["output", "output_cut", "agent_text"]);

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** Rejects for an argv that no system can take. */
async function work({ job, setting, ground, journal, cancel }: Run): Promise<Partial<AttemptResult>> {
  const tail = openTail();
  const { bridge } = ground;
  const program =
    job.work.kind === "command"
      ? plainCommand(job.work.argv)
      : claudeCode({ ...job.work, binary: setting.claude, bridge });
  const record = (fact: Fact): void => {
    if (inTail.has(fact.type)) tail.add(fact.message);
    journal.add(fact);
  };
  const sink = (stream: "stdout" | "stderr", read: (line: string) => Fact[]): LineSink => ({
    line: (text) => read(text).forEach(record),
    cut(beginning, bytes) {
      const message = `A line of ${bytes} bytes on ${stream} was left out; it begins: ${beginning}`;
      record({ type: "output_cut", level: "warning", message, bytes });
    },
  });
  const ended = await runWork(
    { ...program, cwd: ground.workspace, user: ground.user, env: { ...ground.env, ...program.env } },
    { stdout: sink("stdout", program.read), stderr: sink("stderr", (line) => [output("stderr", line)]) },
    { timing: setting.reach.timing, timeoutMs: job.timeoutMs, cancel, mark: markOf(job.attempt) },
  );
  return { ...ended, agent: program.closing(), tail: tail.read() };
}

/** `use` gets a directory of the runner's own, in which this user may write as well; it is gone after it. */
async function withScratch<T>(user: User, use: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = mkdtempSync(join(tmpdir(), "parhelia-"));
  try {
    give(scratch, user);
    return await use(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A result whose changes could not be handed over as a whole has none: half of a change is worse than none. */
async function collectAll({ setting, ground }: Run, base: Base): Promise<Partial<AttemptResult>> {
  const put = async (n: number, part: string): Promise<void> => {
    const { status, text } = await insist(setting.reach, "PUT", `/gateway/result/${n}`, part);
    if (status >= 300) throw new Error(`the service answered ${status} ${text.slice(0, 300)}`);
  };
  try {
    // The work may have emptied the directory that was there before it, or put a repository of its own into it.
    return await withScratch(ground.user, (scratch) => collect({ ...ground, scratch }, base, put));
  } catch (cause) {
    return { because: `its changes could not be handed over: ${messageOf(cause)}`.slice(0, 1000) };
  }
}

async function perform(run: Run): Promise<AttemptResult> {
  const { job, setting, ground, cancel, begin } = run;
  const base = await prepare(ground, job.source, { timing: setting.reach.timing, stop: cancel, phase: begin });
  begin("work");
  const ended = await work(run);
  begin("collect");
  const collected = await collectAll(run, base);
  return { ...nothing, ...ended, ...collected };
}

/** What could not be begun, or was cancelled before it was. */
function unperformed(cause: unknown, cancel: AbortSignal): AttemptResult {
  if (cancel.aborted) return { ...nothing, ended: "cancelled" };
  const because = cause instanceof GitFailed ? cause.message : `The runner failed: ${messageOf(cause)}`;
  return { ...nothing, because: because.slice(0, 1000) };
}

async function beat({ timing }: Reach, journal: Journal): Promise<never> {
  for (;;) {
    await timing.sleep(heartbeatEveryMs);
    // What waits to be pushed says as much; a service that is away would get them all at once.
    if (journal.empty) journal.add({ type: "heartbeat", level: "debug", message: "" });
  }
}

/** Tells which cards came, where some were asked for. Resolves to why the work must not begin, or "": a CPU is never used in a card's place. */
async function tellCards({ gpu }: Job, env: NodeJS.ProcessEnv, journal: Journal): Promise<string> {
  if (!gpu) return "";
  const { cards, because } = await readCards(env);
  const none = `GPU ${gpu} was asked for, and there is none in the sandbox (nvidia-smi: ${because.slice(0, 300)})`;
  const lacking = cards[0] ? "" : none;
  const level = lacking ? "warning" : "info";
  journal.add({ type: "cards", level, cards, message: lacking || cards.join("; ") });
  return lacking;
}

async function runJob(setting: Setting, job: Job, scratch: string): Promise<number> {
  const { reach, env, node, runner, workspace, user } = setting;
  const warning = env["PARHELIA_WARNING"];
  const journal = openJournal(join(scratch, "events"), reach.timing.now);
  const cancelled = new AbortController();
  const closing = new AbortController();
  const cancel = AbortSignal.any([cancelled.signal, reach.over.signal]);
  const lacking = await tellCards(job, env, journal);
  journal.add({ type: "runner_started", level: "info", message: "The sandbox is up" });
  if (warning) journal.add({ type: "runner_warning", level: "warning", message: warning });
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
    user,
    bridge: bridge.address,
    helper: helperLine([node, runner, "credential", bridge.address]),
    env: childEnvironment(env, { attempt: job.attempt, home, bridge: bridge.address, proxy: bridge.proxy }),
  };
  const begin = (phase: Phase): void => journal.add({ type: "phase", phase, level: "info", message: phase });
  const run: Run = { job, setting, ground, journal, cancel, begin };
  const result = lacking
    ? { ...nothing, because: lacking }
    : await perform(run).catch((cause: unknown) => unperformed(cause, cancel));
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
  return withScratch({}, (scratch) => runJob(setting, job, scratch));
}
