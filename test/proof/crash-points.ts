/**
 * Loaded in front of the service (`node --import <this>?log=FILE&at=store:3:after`): numbers every durable write, every
 * call to GitHub and the model that changes something or costs, and every sandbox that is started or killed, and dies
 * like a machine without power at the one it was told. Nothing of the product knows of it.
 */
import childProcess from "node:child_process";
import { appendFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";

const told = new URL(import.meta.url).searchParams;
const log = told.get("log") ?? "";
const at = told.get("at");
const counts = new Map<string, number>();
const kill = process.kill.bind(process);

const isHere = (point: string): boolean => {
  if (point !== at) return false;
  appendFileSync(log, `killed at ${point}\n`);
  return true;
};

/** Carries it out, unless the service is to die before; or dies after it. */
function passThrough<Result>(kind: string, detail: string, carryOut: () => Result): Result {
  const nth = (counts.get(kind) ?? 0) + 1;
  counts.set(kind, nth);
  appendFileSync(log, `point ${kind}:${nth} ${detail}\n`);
  if (isHere(`${kind}:${nth}:before`)) kill(process.pid, "SIGKILL");
  const result = carryOut();
  const die = (): void => {
    if (isHere(`${kind}:${nth}:after`)) kill(process.pid, "SIGKILL");
  };
  // What is answered later has happened when the answer is there.
  if (result instanceof Promise) result.then(die, die);
  else die();
  return result;
}

/** What the open transaction has written, in the words of its keys; undefined outside of one. */
let written: Set<string> | undefined;

/** In nearly every commit, so they tell nothing. */
const everywhere = new Set(["op", "entry", "document"]);

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  const run = (): void => exec.call(this, sql);
  const detail = [...(written ?? [])]
    .filter((what) => !everywhere.has(what))
    .toSorted()
    .join(" ");
  if (sql.startsWith("BEGIN IMMEDIATE")) written = new Set();
  else if (/CREATE TABLE/.test(sql)) written?.add("schema");
  if (!/\bCOMMIT\b/.test(sql)) return run();
  // Looks end in a COMMIT, too, and write nothing.
  const hasWritten = written !== undefined && written.size > 0;
  written = undefined;
  return hasWritten ? passThrough("store", detail, run) : run();
};

const { run: runStatement } = StatementSync.prototype;
Object.defineProperty(StatementSync.prototype, "run", {
  value(this: StatementSync, ...values: Parameters<StatementSync["run"]>) {
    const carryOut = () => runStatement.apply(this, values);
    const what = /^\s*(?:INSERT INTO|DELETE FROM|UPDATE) (\w+)/.exec(this.sourceSQL)?.[1] ?? "something";
    const key: unknown = values[0];
    const detail = what === "document" && typeof key === "string" ? key.replace(/\/.*/, "") : what;
    if (written === undefined) return passThrough("store", detail, carryOut);
    written.add(detail);
    return carryOut();
  },
});

const { fetch } = globalThis;
globalThis.fetch = (input, init) => {
  const request = () => fetch(input, init);
  const address = new URL(input instanceof Request ? input.url : input);
  const method = init?.method ?? (input instanceof Request ? input.method : "GET");
  if (method === "GET" || method === "HEAD") return request();
  const kind = address.pathname.startsWith("/api/") ? "github" : "model";
  return passThrough(kind, `${method} ${address.pathname}`, request);
};

/** Others than these are probes of the machine, made before there is any task. */
const isSandbox = (argv: unknown): boolean =>
  Array.isArray(argv) && argv.some((word) => typeof word === "string" && word.startsWith("parhelia-t_"));

const { spawn } = childProcess;
Object.defineProperty(childProcess, "spawn", {
  value(...given: Parameters<typeof spawn>) {
    const start = () => spawn(...given);
    return isSandbox(given[1]) ? passThrough("sandbox", "start", start) : start();
  },
});
syncBuiltinESMExports();

process.kill = (pid, signal) => {
  const carryOut = () => kill(pid, signal);
  return counts.has("sandbox") ? passThrough("sandbox", "kill", carryOut) : carryOut();
};
