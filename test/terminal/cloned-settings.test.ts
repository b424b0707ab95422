/** What a repository that was cloned may not decide for whoever runs a task in it, and what a person's own file may. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { usd } from "../../src/core/money.ts";
import { notTheirs, notTheirsWords } from "../../src/terminal/cloned-settings.ts";

const keys = ["agent.api_url", "agent.model", "sandbox.isolation", "budget.task", "sandbox.cpu"];

/** A repository with settings that git keeps, or does not. */
function settingsFile(kept: "kept" | "own"): string {
  const root = mkdtempSync(join(tmpdir(), "parhelia-cloned-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const git = (...args: string[]): void => void execFileSync("git", ["-C", root, ...args], { stdio: "ignore" });
  git("init");
  mkdirSync(join(root, ".parhelia"));
  const file = join(root, ".parhelia", "config.toml");
  writeFileSync(file, '[agent]\napi_url = "https://elsewhere.example"\n');
  if (kept === "kept") git("add", "--force", ".parhelia/config.toml");
  return file;
}

test("a file that git keeps may not say where the key goes, what is isolated, or that more is spent", async () => {
  const file = settingsFile("kept");
  expect(await notTheirs(file, keys, usd(50))).toEqual(["agent.api_url", "sandbox.isolation", "budget.task"]);
  // A lower budget is nobody's harm.
  expect(await notTheirs(file, keys, usd(2))).toEqual(["agent.api_url", "sandbox.isolation"]);
  expect(await notTheirs(file, ["agent.model"], usd(2))).toEqual([]);
  const words = notTheirsWords(file, ["agent.api_url"]);
  expect(words).toContain("may not decide agent.api_url");
  expect(words).toContain("PARHELIA_AGENT_API_URL");
});

test("a person's own file may say all of it", async () => {
  expect(await notTheirs(settingsFile("own"), keys, usd(50))).toEqual([]);
});
