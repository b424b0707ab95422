/** What a service may leave behind on the machine: processes, what its database holds, repositories. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";

export function asRecord(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // What a crash says is no JSON.
    return {};
  }
}

/** `pid command` of all that bear one of these words in their argv or environment, as a service's root or a task's id. */
export function livingProcesses(...words: string[]): string[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .flatMap((pid) => {
      const command = readProc(pid, "cmdline");
      const all = command + readProc(pid, "environ");
      return words.some((word) => all.includes(word)) ? [`${pid} ${command.replaceAll("\0", " ")}`] : [];
    });
}

function readProc(pid: string, file: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // It is gone by now.
    return "";
  }
}

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone by now.
  }
}

/** No slot, no lease and no money is held, and what was drawn was settled once. */
export function expectSettled(storePath: string): void {
  const db = new DatabaseSync(storePath, { readOnly: true });
  const rows = (sql: string): string[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => String(Object.values(row)[0]));
  expect(rows("SELECT value FROM counter WHERE name = 'running'"), "held slots").toEqual([]);
  // Of a round that a killed service was in, the lease ends by itself: nobody waits for it as for a task's.
  const held = `SELECT name FROM lease WHERE until > ${Date.now()} AND name NOT LIKE 'round/%'`;
  expect(rows(held), "held leases").toEqual([]);
  expect(rows("SELECT key FROM document WHERE key LIKE 'slice/%'"), "held money").toEqual([]);
  const ledger = rows("SELECT value FROM log WHERE log LIKE 'ledger/%'").map(asRecord);
  const ids = (kind: string): string[] =>
    ledger.flatMap((entry) => (entry["do"] === kind ? [String(entry["slice"])] : [])).toSorted();
  expect(ids("slice").length).toBeGreaterThan(0);
  expect(ids("charge"), "each slice is settled once").toEqual(ids("slice"));
  expect(new Set(ids("slice")).size).toBe(ids("slice").length);
  db.close();
}

export function expectSound(repositories: string): void {
  for (const name of readdirSync(repositories)) {
    const checked = spawnSync("git", ["fsck", "--strict", "--no-progress"], { cwd: join(repositories, name) });
    expect(checked.status, checked.stderr.toString()).toBe(0);
  }
}
