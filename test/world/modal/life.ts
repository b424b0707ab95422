/** How a sandbox comes to be, runs and ends. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Account } from "./account.ts";
import { newId, newUlidId } from "./ids.ts";
import { openOutput } from "./output.ts";
import type { Ask, Named } from "./records.ts";
import { exhausted, taken } from "./refuse.ts";
import { commit, isAlive, type Sandbox } from "./sandbox.ts";
import { startMachine } from "./start.ts";
import { status, type Result } from "./wire.ts";

const alive = (account: Account): Sandbox[] => [...account.sandboxes.values()].filter(isAlive);
const onMachines = (account: Account): Sandbox[] => alive(account).filter(({ state }) => state !== "queued");

/** modal.md §3: "Names are unique among *running* sandboxes of an app; a clash is AlreadyExists". */
export function checkNameIsFree(account: Account, appId: string, name: string | undefined): void {
  const holder = alive(account).find((one) => name !== undefined && one.name === name && one.app.id === appId);
  if (holder !== undefined) throw taken(`Sandbox with name '${name}' already exists: ${holder.id}`);
}

export function createSandbox(account: Account, ask: Ask, app: Named, isForeign: boolean): Sandbox {
  checkNameIsFree(account, app.id, ask.name);
  // V1 waits its turn; a V2 sandbox has its machine in the answer, or there is no answer.
  if (ask.version === 2 && onMachines(account).length >= account.options.containers) {
    throw exhausted("Insufficient capacity to create sandbox.");
  }
  const { clock, options } = account;
  const last = Math.max(0, ...[...account.sandboxes.values()].map(({ createdAt }) => createdAt));
  const keep = (): number => (ask.version === 2 ? account.options.keepBytes : Number.POSITIVE_INFINITY);
  const id = ask.version === 2 ? newUlidId("sb") : newId("sb");
  const sandbox: Sandbox = {
    id,
    taskId: newId("ta"),
    ask,
    app,
    isForeign,
    createdAt: Math.max(clock.now(), last + 1),
    state: "queued",
    name: ask.name,
    tags: ask.tags,
    gpu: undefined,
    startedAt: undefined,
    endedAt: undefined,
    result: undefined,
    out: openOutput(keep, clock.now),
    err: openOutput(keep, clock.now),
    execs: new Map(),
    stdinWritten: 0,
    activeAt: clock.now(),
    up: Promise.withResolvers(),
    over: Promise.withResolvers(),
    views: [],
    alarms: [],
  };
  mkdirSync(join(options.directory, "sandboxes", id), { recursive: true });
  account.sandboxes.set(id, sandbox);
  startQueued(account);
  return sandbox;
}

/** When its card is free: now, at an instant, or never as far as is known. */
function freeAt(account: Account, { ask, createdAt }: Sandbox): number {
  const free = ask.gpu === undefined ? { afterMs: 0 } : account.capacity.of(ask.gpu);
  return free === "never" ? Number.POSITIVE_INFINITY : createdAt + free.afterMs;
}

/** Starts all that wait and for which there is a machine, the oldest first. */
export function startQueued(account: Account): void {
  const { clock, options } = account;
  for (const sandbox of alive(account).filter(({ state }) => state === "queued")) {
    const due = freeAt(account, sandbox);
    if (due > clock.now()) {
      if (Number.isFinite(due)) sandbox.alarms.push(clock.at(due, () => startQueued(account)));
      continue;
    }
    const running = onMachines(account);
    const cards = running.reduce((sum, { gpu }) => sum + (gpu?.count ?? 0), sandbox.ask.gpu?.count ?? 0);
    if (running.length < options.containers && cards <= options.gpus) start(account, sandbox);
  }
}

function start(account: Account, sandbox: Sandbox): void {
  const { clock, capacity } = account;
  const { ask } = sandbox;
  sandbox.state = "running";
  sandbox.startedAt = clock.now();
  sandbox.gpu = ask.gpu === undefined ? undefined : capacity.granted(ask.gpu);
  const lifetime = clock.at(clock.now() + ask.lifetimeMs, () => end(account, sandbox, timedOut));
  sandbox.alarms.push(lifetime);
  watchIdle(account, sandbox);
  startMachine(account, sandbox, (result) => finish(account, sandbox, result)).then(
    (started) => sandbox.up.resolve(started),
    (error: unknown) => finish(account, sandbox, { status: status.internalFailure, exception: String(error) }),
  );
}

/** modal.md §1.5: "Activity means a running exec, stdin writes or an open tunnel connection"; the command is none. */
function watchIdle(account: Account, sandbox: Sandbox): void {
  const { idleMs } = sandbox.ask;
  if (idleMs === undefined) return;
  const { clock } = account;
  const look = (): void => {
    const isBusy = [...sandbox.execs.values()].some(({ exitCode }) => exitCode === undefined);
    if (isBusy) sandbox.activeAt = clock.now();
    const due = sandbox.activeAt + idleMs;
    if (due <= clock.now()) end(account, sandbox, idled);
    else sandbox.alarms.push(clock.at(due, look));
  };
  sandbox.activeAt = clock.now();
  look();
}

/** With the code that made Modal's `poll` answer 0 for a sandbox that did not succeed (modal.md §1.4). */
const idled: Result = { status: status.idleTimeout, exitcode: 0 };
const timedOut: Result = { status: status.timeout, exitcode: 124 };
export const terminated: Result = { status: status.terminated, exitcode: 137 };
export const outOfMemory: Result = { status: status.failure, exitcode: 137, exception: "Sandbox ran out of memory" };

/** SIGTERM, and SIGKILL after the grace; at once for one that has no machine yet. */
export function end(
  account: Account,
  sandbox: Sandbox,
  result: Result,
  signal: "SIGTERM" | "SIGINT" = "SIGTERM",
): void {
  if (sandbox.state === "queued") finish(account, sandbox, result);
  if (sandbox.state !== "running") return;
  sandbox.state = "ending";
  sandbox.result = result;
  void stop(account, sandbox, signal);
}

async function stop(account: Account, sandbox: Sandbox, signal: "SIGTERM" | "SIGINT"): Promise<void> {
  const started = await sandbox.up.promise;
  if (started === undefined || sandbox.state === "over") return;
  started.signal(signal);
  // By the machine's time: how long a process takes to end is no matter of the test's clock.
  const timer = setTimeout(() => void started.kill(), account.options.graceMs);
  await sandbox.over.promise;
  clearTimeout(timer);
}

/** It is over, and nothing of it is left. What `end` decided before stays. */
export function finish(account: Account, sandbox: Sandbox, result: Result): void {
  if (sandbox.state === "over") return;
  if (sandbox.state !== "ending") sandbox.result = result;
  sandbox.state = "over";
  sandbox.endedAt = account.clock.now();
  for (const off of sandbox.alarms.splice(0)) off();
  sandbox.up.resolve(undefined);
  sandbox.out.end();
  sandbox.err.end();
  commit(sandbox);
  rmSync(join(account.options.directory, "sandboxes", sandbox.id), { recursive: true, force: true });
  sandbox.over.resolve();
  startQueued(account);
}
