/** What the tests of the local backend see and start on this machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { ServiceOrder } from "./service.ts";

/** "" for a process that is gone. */
export function readProc(pid: string, file: "cmdline" | "environ" | "stat" | "status"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

export const pids = () => readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
export const cmdlines = () => pids().map((pid) => readProc(pid, "cmdline"));

const service = fileURLToPath(new URL("service.ts", import.meta.url));

/** A descriptor far above those that Node.js closes in its children by itself. */
export const highDescriptor = 90;

/**
 * Starts a service of its own and gives its first line. `wrap` may stand in front of it; it inherits the descriptor
 * `inherits` as `highDescriptor`.
 */
export async function startService(
  order: ServiceOrder,
  { wrap = [], inherits }: { wrap?: string[]; inherits?: number } = {},
) {
  const [program, ...args] = [...wrap, process.execPath, service, JSON.stringify(order)];
  const high = Array.from({ length: highDescriptor - 3 }, () => "ignore" as const);
  const child = spawn(program ?? process.execPath, args, {
    stdio: ["ignore", "pipe", "inherit", ...(inherits === undefined ? [] : [...high, inherits])],
  });
  const exited = once(child, "exit");
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    child.kill(signal);
    await exited;
  };
  onTestFinished(() => end("SIGTERM"));
  if (child.stdout === null) throw new Error("The service has no output.");
  const [line] = await once(child.stdout, "data");
  return { said: JSON.parse(String(line)), kill: () => end("SIGKILL") };
}
