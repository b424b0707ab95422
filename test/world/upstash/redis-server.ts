/**
 * A real redis-server in a directory of its own, so that tests can stop it, kill it and start it again on the same data.
 * Nothing of it outlives the test's process, however that ends: a keeper waits for the end of a pipe from it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export interface RedisServer {
  /** A unix socket; the same after every start. */
  readonly path: string;
  /** Resolves once it answers, with all data that it had acknowledged before. */
  start(): Promise<void>;
  /** Asks it to end, and waits for that. */
  stop(): Promise<void>;
  /** SIGKILL. What it has acknowledged is on disk: every write is flushed first. */
  kill(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

/** Waits for the end of its input, that is for the end of the process which started it, and then clears up. */
const keep = `cat > /dev/null; [ -f "$0/pid" ] && kill -9 "$(cat "$0/pid")" 2> /dev/null; rm -rf "$0"`;

const program = "redis-server";

/** Not yet started. */
export function openRedisServer(): RedisServer {
  const directory = mkdtempSync(join(tmpdir(), "redis-"));
  const path = join(directory, "socket");
  const pidFile = join(directory, "pid");
  // In a group of its own: Ctrl-C in a terminal must not end it before its work.
  const keeper = spawn("sh", ["-c", keep, directory], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  keeper.unref();
  let server: ChildProcess | undefined;

  async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const ending = server;
    server = undefined;
    if (ending === undefined) return;
    if (ending.exitCode === null && ending.signalCode === null) {
      const exit = once(ending, "exit");
      ending.kill(signal);
      await exit;
    }
    // A killed one leaves it, and its number may soon be another process's.
    rmSync(pidFile, { force: true });
  }
  return {
    path,
    async start() {
      if (server !== undefined) throw new Error("redis-server runs already");
      server = await launch(directory, path, pidFile);
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    async close() {
      await end("SIGKILL");
      if (keeper.exitCode !== null || keeper.signalCode !== null) return;
      const exit = once(keeper, "exit");
      keeper.stdin.end();
      await exit;
    },
  };
}

async function launch(directory: string, path: string, pidFile: string): Promise<ChildProcess> {
  const settings = {
    port: "0",
    unixsocket: path,
    dir: directory,
    pidfile: pidFile,
    // An acknowledged write survives a kill, as it does at Upstash.
    appendonly: "yes",
    appendfsync: "always",
    save: "",
    "auto-aof-rewrite-percentage": "0",
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const server = spawn(program, args, { stdio: ["ignore", "pipe", "ignore"] });
  const said: string[] = [];
  const ready = Promise.withResolvers<void>();
  server.once("error", ready.reject);
  server.once("exit", () => ready.reject(new Error(`redis-server did not start:\n${said.join("\n")}`)));
  createInterface(server.stdout).on("line", (line) => {
    said.push(line);
    if (said.length > 10) said.shift();
    // The last line of a start, after the data were read.
    if (/ready to accept connections/i.test(line)) ready.resolve();
  });
  await ready.promise;
  return server;
}
