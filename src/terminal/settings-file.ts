/** Settings of a repository at a terminal: check a file, write a first one, and what an editor and GitHub need beside it. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import { Refusal } from "../core/refusal.ts";
import { SettingsFile, settingsPath } from "../core/settings/schema.ts";
import { defaultSettings, problemWords, type Settings } from "../core/settings/settings.ts";
import { mostSettingsBytes, readSettings, tooLarge, type SettingsFileRead } from "../commands/settings-file.ts";
import { GitError, gitText } from "./git.ts";
import { firstSettings } from "./first-settings.ts";
import { makeLabels } from "./make-labels.ts";

export type SettingsWords =
  | { readonly kind: "check"; readonly file: string }
  | { readonly kind: "schema" | "init" | "labels" }
  | { readonly kind: "wrong"; readonly message: string };

const usage = `  parhelia config check [FILE]   read settings of a repository; ${settingsPath} unless told
  parhelia config schema         their JSON schema, for an editor
  parhelia init                  write a first ${settingsPath}
  parhelia init --labels         make its labels on GitHub, by way of gh`;

/** The words of a command about a repository's settings; undefined for every other command. */
export function settingsWords([first, second, ...rest]: readonly string[]): SettingsWords | undefined {
  const no = (message: string): SettingsWords => ({ kind: "wrong", message: `${message}\n${usage}` });
  if (first === "init") {
    if (rest.length > 0 || (second !== undefined && second !== "--labels")) return no("`init` takes `--labels` alone.");
    return { kind: second === undefined ? "init" : "labels" };
  }
  if (first !== "config" || second === undefined) return undefined;
  const [file, ...more] = rest;
  if (second === "schema") return file === undefined ? { kind: "schema" } : no("`config schema` takes no more words.");
  if (second !== "check") return no(`\`config ${second}\` is not known. Known are:`);
  if (more.length > 0) return no(`\`config check\` takes one file, and here are ${rest.length}.`);
  return { kind: "check", file: file ?? settingsPath };
}

export interface Told {
  /** 0 done, 1 not, 2 wrong usage. */
  readonly exit: 0 | 1 | 2;
  readonly text: string;
}

/**
 * Does what was asked in this folder; undefined for other commands. `gh` is GitHub's own program. Throws a `Refusal` for what
 * is not there or in the way.
 */
export async function settingsCommand(
  argv: readonly string[],
  directory: string,
  gh = "gh",
): Promise<Told | undefined> {
  const asked = settingsWords(argv);
  switch (asked?.kind) {
    case undefined:
      return undefined;
    case "check":
      return checked(asked.file, readAt(resolve(directory, asked.file)));
    case "schema":
      return { exit: 0, text: JSON.stringify(settingsSchema(), null, 2) };
    case "init":
      return begin(await workTree(directory), directory);
    case "labels":
      return labelsMade(await workTree(directory), gh);
    case "wrong":
      return { exit: 2, text: asked.message };
  }
}

/** What an editor checks a file against while it is written; rules over several keys are found by `config check`. */
export const settingsSchema = (): object => ({
  ...z.toJSONSchema(SettingsFile, { io: "input" }),
  title: `Parhelia: ${settingsPath} of a repository`,
});

function checked(file: string, read: SettingsFileRead | "none"): Told {
  if (read === "none") throw new Refusal(`There is no file ${file}. \`parhelia init\` writes a first one.`);
  if (read.ok) return { exit: 0, text: `${file}: these settings can be used.` };
  const lines = read.problems.map((problem) => `${file}:${problem.line}: ${problemWords(problem)}`);
  return { exit: 1, text: lines.join("\n") };
}

function readAt(path: string): SettingsFileRead | "none" {
  try {
    if (statSync(path).size > mostSettingsBytes) return { ok: false, problems: [tooLarge] };
    return readSettings(readFileSync(path, "utf8"));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return "none";
    if (code === "EISDIR") throw new Refusal(`${path} is a folder. Name a file.`);
    throw error;
  }
}

async function workTree(directory: string): Promise<string> {
  try {
    return await gitText({ directory, args: ["rev-parse", "--show-toplevel"] });
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new Refusal(`${directory} is in no git repository. Go into one, or make one with \`git init\`.`);
  }
}

function begin(root: string, directory: string): Told {
  const path = join(root, settingsPath);
  const shown = relative(directory, path);
  mkdirSync(dirname(path), { recursive: true });
  try {
    writeFileSync(path, firstSettings, { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new Refusal(`${shown} is there already and stays as it is. \`parhelia config check ${shown}\` reads it.`);
  }
  const next = `Wrote ${shown}. It changes nothing yet: every line with a setting is a comment. Next:
  1. Take the # away where you want something else, and check: parhelia config check ${shown}
  2. Commit it; it counts once it is on the default branch: git add --force ${shown}
  3. Make the labels on GitHub: parhelia init --labels`;
  return { exit: 0, text: next };
}

async function labelsMade(root: string, gh: string): Promise<Told> {
  const made = await makeLabels(settingsIn(root), { root, gh });
  return { exit: 0, text: made.map((name) => `The label ${name} is on GitHub.`).join("\n") };
}

function settingsIn(root: string): Settings {
  const read = readAt(join(root, settingsPath));
  if (read === "none") return defaultSettings();
  if (read.ok) return read.settings;
  throw new Refusal(checked(settingsPath, read).text);
}
