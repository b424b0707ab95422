/** `parhelia serve` as a process of its own, that can be killed and started again. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { asRecord } from "./leftovers.ts";

export const cli = fileURLToPath(new URL("../../src/cli.ts", import.meta.url));
/** Of this process; nothing else of its environment reaches the program. */
export const path = process.env["PATH"] ?? "";

export interface Child {
  /** All lines of stdout and stderr of all that were started. */
  readonly said: readonly string[];
  /** Resolves with the port when the service listens. `nodeArgs` are for node itself, in front of the program. */
  start(nodeArgs?: readonly string[]): Promise<number>;
  /** Resolves when the one that runs now has ended, however that came; at once where none runs. */
  exited(): Promise<void>;
  /** Of the one that runs now. */
  pid(): number | undefined;
  /** The exit code; null where a signal ended it, or where none runs. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<number | null>;
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode === null && signalCode === null;

export function openChild(root: string, env: Readonly<Record<string, string>>): Child {
  const said: string[] = [];
  let running: ChildProcess | undefined;
  return {
    said,
    async start(nodeArgs = []) {
      const argv = [...nodeArgs, cli, "serve"];
      const child = spawn(process.execPath, argv, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
      running = child;
      child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
      return new Promise((resolve, reject) => {
        createInterface({ input: child.stdout }).on("line", (line) => {
          said.push(line);
          const { msg, port } = asRecord(line);
          if (msg === "listening" && typeof port === "number") resolve(port);
        });
        child.once("exit", (code) => {
          reject(new Error(`The service ended with ${code}:\n${said.slice(-20).join("\n")}`));
        });
      });
    },
    pid: () => running?.pid,
    async exited() {
      if (running !== undefined && isRunning(running)) await once(running, "exit");
    },
    async end(signal) {
      const ending = running;
      running = undefined;
      if (ending === undefined) return null;
      if (isRunning(ending)) {
        const exited = once(ending, "exit");
        ending.kill(signal);
        await exited;
      }
      return ending.exitCode;
    },
  };
}
