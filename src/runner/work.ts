/** Runs the one program that is the work, in a process group of its own, and ends all of it: by itself, by cancel or by time. */
import { spawn } from "node:child_process";
import type { AttemptResult } from "../core/protocol.ts";
import { endLeft, signal } from "./leftovers.ts";
import { splitLines, type LineSink } from "./lines.ts";
import type { Timing } from "./timing.ts";
import type { User } from "./user.ts";

export type Command = {
  /** Never through a shell. */
  argv: string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  user: User;
  input: string;
};

export type Limits = {
  timing: Timing;
  timeoutMs: number;
  /** Aborted for a cancel. */
  cancel: AbortSignal;
  /** In the environment of everything the work starts: `NAME=value`. */
  mark: string;
};

export type Ended = Pick<AttemptResult, "ended" | "exitCode" | "signal" | "because">;

/** Between SIGTERM and SIGKILL. */
const graceMs = 5000;
/** For output that is still in the pipes; a process that hides from us may hold them open for ever. */
const drainMs = 2000;
const pauseMs = 20;

/** Resolves when nothing of the work is left that can be found. Throws for an argv that no system can take (a NUL in it). */
export async function runWork(
  command: Command,
  sinks: { stdout: LineSink; stderr: LineSink },
  { timing, timeoutMs, cancel, mark }: Limits,
): Promise<Ended> {
  const [file = "", ...args] = command.argv;
  const child = spawn(file, args, { cwd: command.cwd, env: command.env, ...command.user, detached: true });
  const exited = new AbortController();
  const exit = new Promise<{ code: number | null; name: string | null } | Error>((resolve) => {
    child.on("error", resolve);
    child.on("exit", (code, name) => resolve({ code, name }));
  }).finally(() => exited.abort());
  const closed = new AbortController();
  child.on("close", () => closed.abort());
  for (const stream of ["stdout", "stderr"] as const) {
    const lines = splitLines(sinks[stream]);
    child[stream].on("data", (chunk: Buffer) => lines.write(chunk));
    child[stream].on("close", () => lines.end());
  }
  // A program may end without reading its input; its exit tells what became of it.
  child.stdin.on("error", () => undefined);
  child.stdin.end(command.input);

  await timing.sleep(timeoutMs, AbortSignal.any([cancel, exited.signal]));
  const ended = exited.signal.aborted ? "exited" : cancel.aborted ? "cancelled" : "timed-out";
  if (child.pid !== undefined) {
    if (ended !== "exited") {
      signal(-child.pid, "SIGTERM");
      await timing.sleep(graceMs, exited.signal);
    }
    signal(-child.pid, "SIGKILL");
    await endLeft(mark, command.user.uid, () => timing.sleep(pauseMs));
  }
  const outcome = await exit;
  if (outcome instanceof Error) {
    const because = `The command could not be started: ${outcome.message}.`.slice(0, 1000);
    return { ended: "could-not-start", exitCode: null, signal: null, because };
  }
  await timing.sleep(drainMs, closed.signal);
  child.stdout.destroy();
  child.stderr.destroy();
  return { ended, exitCode: outcome.code, signal: outcome.name, because: "" };
}
