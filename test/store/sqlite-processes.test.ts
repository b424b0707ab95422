/** Several processes on one SQLite file, and the death of one of them. */
import { spawn } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { lockEngine } from "../../src/store/sqlite/engine-lock.ts";
import { newPath, now, openStore } from "./sqlite-place.ts";

function startChild(what: string, path: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "sqlite-child.ts"), what, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const said: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => said.push(line));
  const closed = new Promise<void>((resolve) => lines.once("close", resolve));
  return {
    /** What it has said, when it is at least this many lines. */
    async says(count: number): Promise<readonly string[]> {
      while (said.length < count) {
        const ended = await Promise.race([closed.then(() => true), new Promise((more) => lines.once("line", more))]);
        if (ended === true) throw new Error(`the process ended after ${said.length} lines`);
      }
      return said;
    },
    goOn: () => void child.stdin.write("\n"),
    /** SIGKILL; everything that it has said. */
    async kill(): Promise<readonly string[]> {
      child.kill("SIGKILL");
      await closed;
      return said;
    },
  };
}

test("processes that open one new file at once all find its tables", async () => {
  const path = newPath();
  const children = Array.from({ length: 4 }, () => startChild("open", path));
  for (const child of children) await child.says(1);
  for (const child of children) child.goOn();
  for (const child of children) expect(await child.says(2)).toEqual(["ready", "opened"]);
});

test("two processes draw from one counter and never over its bound", async () => {
  const path = newPath();
  const store = openStore(path);
  const children = [startChild("draw", path), startChild("draw", path)];
  for (const child of children) await child.says(1);
  for (const child of children) child.goOn();
  const drawn: number[] = [];
  for (const child of children) drawn.push(Number((await child.says(2))[1]));
  expect(drawn.reduce((sum, each) => sum + each, 0)).toBe(150);
  expect(await store.look(now, [{ counter: "drawn" }])).toEqual([150]);
});

test("a commit of another process wakes everybody who listens, one's own is heard by its topics alone", async () => {
  const path = newPath();
  const [here, there] = [openStore(path, 1), openStore(path)];
  const topics: string[] = [];
  const heard = new Promise<void>((resolve) => {
    here.onWake((topic) => {
      topics.push(topic);
      if (topic === "*") resolve();
    });
  });
  await here.commit({ op: "own", now, put: [{ key: "a", value: 1 }], wake: ["own"] });
  await there.commit({ op: "other", now, put: [{ key: "a", value: 2 }] });
  await heard;
  expect(topics).toEqual(["own", "*"]);
});

test("SIGKILL between any two instants loses nothing that was acknowledged, and leaves no commit half done", async () => {
  const path = newPath();
  let acknowledged: string[] = [];
  for (const count of [1, 333, 1000]) {
    const child = startChild("commit", path);
    await child.says(count);
    acknowledged = [...acknowledged, ...(await child.kill())];
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(1334);
  const store = openStore(path);
  const [done, lines, entries] = await store.look(now, [
    { counter: "done" },
    { read: "done", limit: 1_000_000 },
    { range: "all", limit: 1_000_000 },
  ]);
  const kept = new Set(lines.map(({ value }) => value));
  expect(acknowledged.filter((key) => !kept.has(key))).toEqual([]);
  expect(kept.size).toBe(done);
  expect(new Set(entries.flatMap(({ document }) => document?.key ?? []))).toEqual(kept);
  expect(lines.map(({ number }) => number)).toEqual(lines.map((_, place) => place + 1));
}, 30_000);

test("the engine lock is one over all processes and names of the file, and ends with its process", async () => {
  const path = newPath();
  const child = startChild("lock", path);
  expect(await child.says(1)).toEqual(["locked"]);
  const alias = join(path, "..", "..", "alias");
  symlinkSync(join(path, ".."), alias);
  expect(lockEngine(join(alias, "parhelia.db"))).toBeUndefined();
  await child.kill();
  const lock = lockEngine(path);
  expect(lock).toBeDefined();
  expect(lockEngine(path)).toBeUndefined();
  expect(await startChild("lock", path).says(1)).toEqual(["taken"]);
  lock?.release();
  lock?.release();
  const next = lockEngine(path);
  expect(next).toBeDefined();
  next?.release();
});
