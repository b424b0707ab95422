/** Starts git for a stand-in: a small process forks in a fraction of the time that a grown one takes. See `git.ts`. */
import { spawn } from "node:child_process";

export interface Order {
  readonly id: number;
  readonly directory: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly input: string | Buffer;
}

export type Done =
  | { readonly id: number; readonly code: number; readonly stdout: Buffer; readonly stderr: Buffer }
  | { readonly id: number; readonly error: Error };

const tell = (done: Done): void => void process.send?.(done);

process.on("message", ({ id, directory, args, env, input }: Order) => {
  const child = spawn("git", args, { cwd: directory, env });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  child.on("error", (error) => tell({ id, error }));
  child.on("close", (code) => tell({ id, code: code ?? 1, stdout: Buffer.concat(out), stderr: Buffer.concat(err) }));
  // git may end before it has read all; what it says about that is in its exit code.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
});
// With whoever started it.
process.on("disconnect", () => process.exit());
