/** Settings of a repository at a terminal, as a newcomer meets them: init, check, schema, labels. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Refusal } from "../../src/core/refusal.ts";
import { settingsCommand } from "../../src/terminal/settings-file.ts";

/** A git repository with this as its settings, or without any. */
function repository(settings?: string | Uint8Array): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "parhelia-settings-")));
  onTestFinished(() => rmSync(root, { recursive: true }));
  execFileSync("git", ["init", "--quiet", root]);
  mkdirSync(join(root, "below"));
  if (settings !== undefined) {
    mkdirSync(join(root, ".parhelia"));
    writeFileSync(join(root, ".parhelia/config.toml"), settings);
  }
  return root;
}

const say = (directory: string, words: string) => settingsCommand(words.split(" "), directory);

test("init writes a file that passes its own check, says what to do next, and is not done twice", async () => {
  const root = repository();
  const below = join(root, "below");
  expect(await say(below, "init")).toMatchObject({
    exit: 0,
    text: expect.stringContaining("parhelia config check ../.parhelia/config.toml"),
  });
  const written = readFileSync(join(root, ".parhelia/config.toml"), "utf8");
  expect(await say(root, "config check")).toEqual({
    exit: 0,
    text: ".parhelia/config.toml: these settings can be used.",
  });
  await expect(say(root, "init")).rejects.toThrow(
    new Refusal(
      ".parhelia/config.toml is there already and stays as it is. `parhelia config check .parhelia/config.toml` reads it.",
    ),
  );
  expect(readFileSync(join(root, ".parhelia/config.toml"), "utf8")).toBe(written);
});

test("check names every problem with its file and line, and ends with 1", async () => {
  const root = repository('[sandbox]\ncpuu = 1\ntimeout = "1 day long"\n');
  expect(await say(root, "config check")).toEqual({
    exit: 1,
    text: [
      ".parhelia/config.toml:2: sandbox.cpuu: there is no such key. Did you mean cpu?",
      ".parhelia/config.toml:3: sandbox.timeout: `1 day long` is not a time between 1s and 23h. Write it with its unit: `30m`, `1h`, `1h30m`.",
    ].join("\n"),
  });
});

test("check refuses what is no file of text", async () => {
  const root = repository();
  await expect(say(root, "config check")).rejects.toThrow("There is no file .parhelia/config.toml.");
  await expect(say(root, "config check below")).rejects.toThrow("below is a folder.");
  writeFileSync(join(root, "large.toml"), "#".repeat(70_000));
  expect(await say(root, "config check large.toml")).toMatchObject({
    exit: 1,
    text: expect.stringContaining("64 KiB"),
  });
});

const hardName = '[labels."it\'s $(here)"]\nargv = ["echo", "`x`"]\n[labels.parhelia]\nenabled = false\n';

/** In the place of GitHub's program: writes down what it is given, and ends as it is told. */
function openGh(root: string, exit = 0): { path: string; given: () => string[][] } {
  const path = join(root, "gh");
  const log = join(root, "given");
  const script = `#!/bin/sh\nprintf '%s\\n' "$@" --- >> '${log}'\necho 'HTTP 403: Resource not accessible' >&2\nexit ${exit}\n`;
  writeFileSync(path, script, { mode: 0o755 });
  const calls = () => readFileSync(log, "utf8").split("---\n").slice(0, -1);
  return { path, given: () => calls().map((call) => call.trim().split("\n")) };
}

test("the labels are made by GitHub's own program, each with what it does", async () => {
  const root = repository(hardName);
  const gh = openGh(root);
  const told = await settingsCommand(["init", "--labels"], root, gh.path);
  expect(told?.text).toContain("The label it's $(here) is on GitHub.");
  const given = gh.given();
  expect(given.map(([, , name]) => name)).toEqual([
    "parhelia:gpu-a10g",
    "parhelia:gpu-a100",
    "parhelia:gpu-h100",
    "it's $(here)",
  ]);
  expect(given.at(-1)?.at(-1)).toBe("Parhelia: echo `x`");
});

test("where GitHub's program may not, its words are told with the cure", async () => {
  const root = repository();
  await expect(settingsCommand(["init", "--labels"], root, openGh(root, 1).path)).rejects.toThrow(
    /could not make the label parhelia\. It says: HTTP 403: Resource not accessible\nSign in \(gh auth login\)/,
  );
});

test("without GitHub's program there are commands that a shell reads as they are meant", async () => {
  const root = repository(hardName);
  const refused = await settingsCommand(["init", "--labels"], root, join(root, "none")).catch(
    (error: unknown) => error,
  );
  if (!(refused instanceof Refusal)) throw new Error("it was not refused");
  const lines = refused.message.split("\n").slice(1);
  expect(lines).toHaveLength(4);
  const words = lines.map((line) =>
    execFileSync("sh", ["-c", `set -- ${line}; printf '%s\\n' "$4"`], { encoding: "utf8" }).trim(),
  );
  expect(words).toEqual(["parhelia:gpu-a10g", "parhelia:gpu-a100", "parhelia:gpu-h100", "it's $(here)"]);
});

test("settings that cannot be used give no labels", async () => {
  await expect(say(repository("x = 1\n"), "init --labels")).rejects.toThrow("there is no such section here");
});

test("outside of a repository there is nothing to begin", async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "parhelia-none-")));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await expect(say(folder, "init")).rejects.toThrow("is in no git repository");
});

test("wrong words show what there is; other commands are not ours", async () => {
  const root = repository();
  for (const words of ["config chekc", "init --label", "init x y", "config check a b", "config schema x"])
    expect(await say(root, words), words).toMatchObject({
      exit: 2,
      text: expect.stringContaining("parhelia config check [FILE]"),
    });
  for (const words of ["config", "run fix it", "status"]) expect(await say(root, words), words).toBeUndefined();
  expect(JSON.parse((await say(root, "config schema"))?.text ?? "")).toMatchObject({
    type: "object",
    additionalProperties: false,
  });
});
