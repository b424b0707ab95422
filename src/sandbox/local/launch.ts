/** Starts the process chain of a jail so that it outlives this process, and tells whether the jail stands. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { onlyThese } from "./descriptors.ts";
import { argsDescriptor, readyDescriptor, readyWord } from "./jail.ts";

const startWithinMs = 30_000;
const complaintCharacters = 2000;

const readable = (stream: unknown): Readable => {
  if (stream instanceof Readable) return stream;
  throw new Error("The jail has no pipe to be read.");
};

/**
 * Resolves when the command is about to run; throws what the jail complains of when it does not come to that.
 * The answer waits for the jail's end and gives the command's exit status, for as long as this process lives.
 */
export async function launch(argv: readonly string[], secret: string): Promise<() => Promise<number | null>> {
  const devNull = openSync("/dev/null", "r+");
  const [program = "", ...args] = argv;
  const child = spawn(program, args, {
    cwd: "/",
    // The first process of a jail shows inside what it was started with.
    env: {},
    detached: true,
    stdio: onlyThese(["ignore", "ignore", "pipe", "pipe", "pipe"], devNull),
  });
  closeSync(devNull);
  const given = child.stdio[argsDescriptor];
  const said = readable(child.stdio[readyDescriptor]);
  const complaints = readable(child.stdio[2]);
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let complaint = "";
  complaints.on("data", (text: Buffer) => {
    complaint = (complaint + text.toString("utf8")).slice(0, complaintCharacters);
  });
  const late = setTimeout(() => child.kill("SIGKILL"), startWithinMs);
  try {
    await new Promise<void>((resolve, reject) => {
      const failed = (why: string): void =>
        reject(new Error(`The sandbox could not be started: ${complaint.trim() || why}`));
      child.on("error", (error) => failed(error.message));
      child.on("close", () => failed("it ended before it stood"));
      if (given instanceof Writable) {
        // A chain that ended early reads nothing; what it says is told by `close`.
        given.on("error", () => undefined);
        given.end(secret);
      }
      said.once("data", (word: Buffer) => {
        if (word.toString("utf8").startsWith(readyWord)) resolve();
      });
    });
  } finally {
    clearTimeout(late);
    for (const stream of child.stdio) stream?.destroy();
    child.unref();
  }
  return () => {
    child.ref();
    return exited;
  };
}
