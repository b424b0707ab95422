/** Finds the processes of a running sandbox and kills one of them, as a machine short of memory would. */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { allPids, argvOf, statOf } from "../../src/sandbox/local/processes.ts";
import { openStage, type Stage } from "../e2e/service.ts";
import { eventually } from "../world/eventually.ts";
import { command, type Kind } from "./crash-kinds.ts";

/** `sandbox` is the first process of the jail, with which the kernel ends all of it. */
export type Victim = "runner" | "sandbox";

/** Long enough that every instant falls into the work of the first attempt. */
export const slowCommand: Kind = {
  ...command,
  asks: "/parhelia run -- sh -c 'sleep 2; echo done > done.txt'",
};

export async function openSandboxStage(onFinished: (close: () => Promise<void>) => void): Promise<Stage> {
  const stage = await openStage(onFinished, { script: command.script, pricePerHour: 3.6, pollInterval: "1s" });
  await stage.github.repository("acme/widgets", { "sum.js": "export const sum = (a, b) => a - b;\n" });
  await stage.start();
  await stage.comment(slowCommand.asks);
  return stage;
}

/** Kills it so many milliseconds after the runner's first word. */
export async function killInside(stage: Stage, victim: Victim, afterMs: number): Promise<void> {
  await eventually(async () => (await stage.view()).task.state === "running", { withinMs: 60_000 });
  await pause(afterMs);
  const name = (await stage.view()).attempt?.sandbox;
  if (name === undefined) throw new Error("The task has no attempt.");
  process.kill(pidOf(victim, name), "SIGKILL");
}

function pidOf(victim: Victim, sandbox: string): number {
  const within = familyOf(allPids().filter((pid) => argvOf(pid).includes(sandbox)));
  const found = within.filter((pid) => (victim === "runner" ? isRunner(pid) : isFirst(pid)));
  const [pid, ...others] = found;
  if (pid === undefined || others.length > 0) throw new Error(`${found.length} processes are the ${victim}.`);
  return pid;
}

/** These and all that descend from them. */
function familyOf(roots: readonly number[]): number[] {
  const family = new Set(roots);
  const stats = allPids().flatMap((pid) => statOf(pid) ?? []);
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const { pid, parent } of stats) if (family.has(parent)) family.add(pid);
  }
  return [...family];
}

/** It is booted by `node -e`. */
const isRunner = (pid: number): boolean => argvOf(pid).slice(0, 2).join(" ") === "node -e";

/** The first process of the namespace around the sandbox: number 1 in it, one namespace below the machine's. */
function isFirst(pid: number): boolean {
  try {
    return /^NSpid:\t\d+\t1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    // It has ended since it was listed.
    return false;
  }
}
