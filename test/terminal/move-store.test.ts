import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import { importKey } from "../../src/store/import-mark.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { barLine, importedWords, progressBar, storeWords } from "../../src/terminal/move-store.ts";

test("what is asked of a store is read, and everything else is answered with what there is", () => {
  expect(storeWords(["export"])).toEqual({ kind: "export", file: undefined });
  expect(storeWords(["export", "a"])).toEqual({ kind: "export", file: "a" });
  expect(storeWords(["import", "a"])).toEqual({ kind: "import", file: "a" });
  const wrong = [[], ["copy"], ["import"], ["import", "a", "b"], ["export", "--to", "x"]].map(storeWords);
  expect(wrong.map((each) => (each.kind === "wrong" ? each.message.split("\n")[0] : each.kind))).toEqual([
    "What should be done with the store?",
    "`store copy` is not known. Known are:",
    "`store import` needs the file of an export.",
    "`store import` takes one file, and here are 2.",
    "`store export` has no option --to. A file of that name is ./--to",
  ]);
});

test("the bar shows the share and the lines, seldom, and on a terminal alone", () => {
  const half = { stage: "write", items: 1234, done: 50, of: 100 } as const;
  expect(barLine(half)).toBe("Writing ████████████░░░░░░░░░░░░ 50 %, 1,234 lines");
  expect(barLine({ stage: "read", items: 7, done: 0, of: 0 })).toBe("Reading the store: 7 lines");
  let [now, said] = [0, ""];
  const write = (text: string): void => void (said += text);
  const bar = progressBar({ isTerminal: true, write }, () => now);
  bar.tell(half);
  bar.tell({ ...half, items: 1235 });
  now = 100;
  bar.tell({ ...half, items: 1236 });
  bar.clear();
  expect(said).toBe(`\r${barLine(half)}\u001b[K\r${barLine({ ...half, items: 1236 })}\u001b[K\r\u001b[K`);
  said = "";
  const silent = progressBar({ isTerminal: false, write }, () => now);
  silent.tell(half);
  silent.clear();
  expect(said).toBe("");
});

test("an import that went on says where", () => {
  expect(importedWords("x", { counts: { documents: 1, counters: 2, lines: 3 }, before: 4 })).toBe(
    "Imported into x and compared, item by item: 1 documents, 2 counters, 3 lines of logs. " +
      "An earlier import had written the first 4, and this one went on behind them.",
  );
});

const cli = join(import.meta.dirname, "../../src/cli.ts");

test("the program moves a store, ends with 2 for misuse and with 1 for a no", async () => {
  const root = mkdtempSync(join(tmpdir(), "parhelia-move-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const parhelia = async (args: readonly string[], env: Record<string, string> = {}) => {
    const options = { cwd: root, env: { PATH: process.env["PATH"] ?? "", HOME: root, ...env } };
    const done = promisify(execFile)(process.execPath, [cli, ...args], options);
    return done.then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
    );
  };
  const first = { PARHELIA_STORE_PATH: join(root, "one.db") };
  const second = { PARHELIA_STORE_PATH: join(root, "two.db") };
  expect(await parhelia(["store", "copy"])).toMatchObject({ code: 2, stdout: "" });
  expect(await parhelia(["store", "export", "b"], first)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^There is no store at .*one\.db: nothing was kept there yet\.\n$/),
  });
  const store = openSqliteStore({ path: first.PARHELIA_STORE_PATH });
  expect(await parhelia(["store", "export", "b"], first)).toMatchObject({
    code: 0,
    stdout: "",
    stderr: expect.stringMatching(/^Exported to .*\/b: 0 documents, 0 counters, 0 lines of logs\. It holds/),
  });
  expect(await parhelia(["store", "import", "b"], second)).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^Imported into .*two\.db and compared, item by item: 0 documents/),
  });
  await store.commit({ op: "op", now: Instant.parse(0), put: [{ key: importKey, value: {} }] });
  await store.close();
  expect(await parhelia(["run", "--", "true"], first)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^An import into this store has not ended\. Run the same parhelia store import again/,
    ),
  });
  const piped = await parhelia(["store", "export"], second);
  expect(piped.stdout.split("\n").slice(1, -2)).toEqual(readFileSync(join(root, "b"), "utf8").split("\n").slice(1, -2));
});
