/**
 * `npm run demo`: a whole Parhelia on this machine, without an account. An issue with a failing test becomes a pull request;
 * at the end it is checked, from outside, that what was reported is true. Exit code 0 only where all of it holds.
 */
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Check } from "./demo/check.ts";
import { converse, type Screen } from "./demo/conversation.ts";
import { flagsOf, usage, type Flags } from "./demo/flags.ts";
import { lookAt, type Outcome } from "./demo/proof.ts";
import * as sample from "./demo/sample.ts";
import { addresses, checkLine, introduction, issueWords, outcomeWords, paintFor } from "./demo/show.ts";
import { Missing, openStage, type Stage } from "./demo/stage.ts";

const screen: Screen = {
  isTerminal: process.stdout.isTTY,
  columns: process.stdout.columns || 120,
  write: (text) => void process.stdout.write(text),
};
const paint = paintFor(screen);
const scriptedMs = 60_000;
const realMs = 10 * 60_000;

interface Played {
  readonly issue: number;
  readonly outcome: Outcome;
}

const withinMsOf = ({ model }: Stage): number => (model === undefined ? realMs : scriptedMs);

async function play(stage: Stage, signal: AbortSignal): Promise<Played> {
  const { github } = stage;
  const withinMs = withinMsOf(stage);
  screen.write(`${introduction(stage, paint)}\n`);
  const issue = github.as(sample.person).openIssue(sample.repository, sample.issue.title, sample.issue.body);
  screen.write(`${issueWords(issue, paint)}\n`);
  const failed = await converse(stage, screen, { issue, says: sample.commands.test, withinMs, signal });
  const fixed = await converse(stage, screen, { issue, says: sample.commands.fix, withinMs, signal });
  await checkRunOf(stage, signal);
  const outcome = await lookAt(stage, { failed, fixed });
  screen.write(`\n${outcomeWords(outcome, fixed, paint)}\n\n`);
  return { issue, outcome };
}

/** It is concluded right behind the comment. */
async function checkRunOf({ github }: Stage, signal: AbortSignal): Promise<void> {
  for (let looks = 0; looks < 100; looks += 1) {
    if (github.checkRuns(sample.repository).some(({ status }) => status === "completed")) return;
    await sleep(50, undefined, { signal });
  }
}

async function keepOpen(stage: Stage, { issue, outcome }: Played, stop: AbortSignal) {
  screen.write(`\n${paint.title("It goes on until you press Ctrl-C")}\n${addresses(stage, issue, outcome)}\n`);
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Whether all that was claimed holds. */
async function perform(stage: Stage, { isOpen, acts }: Flags, stop: AbortSignal): Promise<boolean> {
  try {
    const played = await play(stage, stop);
    const checks: Check[] = [...played.outcome.checks];
    for (const act of acts) {
      screen.write(`${paint.title(act.summary)}\n`);
      const scene = { stage, screen, paint, issue: played.issue, withinMs: withinMsOf(stage), signal: stop };
      checks.push(...(await act.play(scene)));
    }
    screen.write(`${paint.title("Checked from outside")}\n`);
    for (const each of checks) screen.write(`${checkLine(each, paint)}\n`);
    if (isOpen) await keepOpen(stage, played, stop);
    return checks.every((each) => each.holds);
  } catch (error) {
    if (stop.aborted) screen.write("\nStopped.\n");
    else screen.write(trouble(error, stage.service.complaints()));
    return false;
  }
}

const trouble = (error: unknown, complaints: readonly string[]): string =>
  [
    `\n${paint.bad("It did not work.")} ${error instanceof Error ? error.message : String(error)}`,
    ...(complaints.length === 0 ? [] : ["The service's log has:", ...complaints.slice(-10)]),
    "",
  ].join("\n");

/** The exit code. */
async function demo(flags: Flags, stop: AbortSignal): Promise<number> {
  const started = performance.now();
  const apiKey = process.env["ANTHROPIC_API_KEY"];
  const stage = await openStage({
    apiKey: apiKey === "" ? undefined : apiKey,
    script: sample.script,
    path: process.env["PATH"] ?? "",
    sandbox: flags.sandbox,
    env: Object.assign({}, ...flags.acts.map(({ env }) => env)),
  });
  const holds = await perform(stage, flags, stop);
  const status = await stage.close();
  const isGone = status === 0 && !existsSync(stage.directory);
  const claim = "the service ended by itself at SIGTERM, and its directory is removed";
  screen.write(`${checkLine({ holds: isGone, claim, found: `exit status ${status}` }, paint)}\n`);
  const isGood = holds && isGone;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  screen.write(`\n${isGood ? paint.good("All of it holds.") : paint.bad("Not all of it holds.")} ${seconds} s\n`);
  return isGood ? 0 : 1;
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => stop.abort());
// Nobody reads any more (`| head`): end as after an interruption, not in the middle.
process.stdout.on("error", () => stop.abort());
const words = process.argv.slice(2);
const flags = flagsOf(words);
if (flags === undefined) {
  process.stdout.write(usage);
  process.exitCode = words.includes("--help") ? 0 : 2;
} else {
  try {
    process.exitCode = await demo(flags, stop.signal);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    process.stderr.write(`The demonstration cannot run here. ${error.message}\n`);
    process.exitCode = 1;
  }
}
