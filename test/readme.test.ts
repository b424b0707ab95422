/** A newcomer types what the pages show. So everything that they show is typed here first. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { parseArgv, parseComment } from "../src/commands/parse.ts";
import { readSettings } from "../src/commands/settings-file.ts";
import { readConfig, showConfig } from "../src/config.ts";
import { isTable } from "../src/core/settings/beside-service.ts";
import { SettingsFile } from "../src/core/settings/schema.ts";
import { defaultSettings } from "../src/core/settings/settings.ts";
import { settingsSchema, settingsWords } from "../src/terminal/settings-file.ts";
import { checkupWords } from "../src/terminal/health.ts";
import { levels } from "../src/operator/e2e/facts.ts";
import { estimateOf } from "../src/operator/e2e/run.ts";
import { e2eWords } from "../src/operator/e2e.ts";
import { dollars } from "../src/core/money.ts";
import { imageWords } from "../src/terminal/image-words.ts";
import { storeWords } from "../src/terminal/move-store.ts";
import { deployWords } from "../src/terminal/deploy-words.ts";
import { operatorCommands } from "../src/operator/operator.ts";
import { volumeWords } from "../src/terminal/volume-words.ts";
import { eventParts } from "../src/core/event-parts.ts";
import { Instant } from "../src/core/instant.ts";
import { logsWords } from "../src/terminal/logs-words.ts";
import { scheduleWords } from "../src/terminal/schedule.ts";
import { brakeWords } from "../src/terminal/stop-all.ts";

const root = join(import.meta.dirname, "..");
const page = (name: string): string => readFileSync(join(root, name), "utf8");
const readme = page("README.md");
const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
const { scripts, bin } = z
  .object({ scripts: z.record(z.string(), z.string()), bin: z.record(z.string(), z.string()) })
  .parse(JSON.parse(page("package.json")));

/** Code blocks of a language, without the indentation of a list that they stand in. */
function blocks(text: string, language: string): string[] {
  const found = text.matchAll(/^( *)```(\w+)\n([\s\S]*?)\n\1```$/gm);
  return Array.from(found)
    .filter(([, , named]) => named === language)
    .map(([, indent = "", , code = ""]) => code.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
}

/** The part of the README below a heading, up to the next one of its level or above. */
function under(heading: string): string {
  const at = readme.indexOf(`\n${heading}\n`);
  const level = heading.indexOf(" ");
  expect(at, heading).not.toBe(-1);
  const rest = readme.slice(at + heading.length + 2);
  const end = rest.search(new RegExp(`^#{2,${level}} `, "m"));
  return end === -1 ? rest : rest.slice(0, end);
}

const shellLines = (text: string): string[] =>
  blocks(text, "sh")
    .flatMap((block) => block.replaceAll("\\\n", " ").split(/\n| && /))
    .map((line) => line.trim());

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "parhelia-readme-"));
  onTestFinished(() => rmSync(made, { recursive: true }));
  mkdirSync(join(made, ".parhelia"));
  return made;
}

test("each comment that the README shows is read as commands, every line of them", () => {
  const shown = blocks(readme, "text").filter((block) => block.startsWith("/parhelia"));
  expect(shown.length).toBeGreaterThanOrEqual(4);
  for (const comment of shown) {
    const said = parseComment(comment);
    expect(said.filter(({ kind }) => kind === "wrong")).toEqual([]);
    expect(said.length).toBe(comment.split("\n").filter((line) => line.startsWith("/parhelia")).length);
  }
});

test("each command line that the README shows is read", () => {
  const lines = shellLines(readme).filter((line) => line.startsWith("npx parhelia "));
  expect(lines.length).toBeGreaterThanOrEqual(4);
  expect(bin).toEqual({ parhelia: "src/start.js" });
  // The terminal's own words are taken off by the entry before the rest is read.
  const words = lines.map((line) =>
    line
      .replace(/ --repo \S+| --json/g, "")
      .split(" ")
      .slice(2),
  );
  const stores = words.filter(([name]) => name === "store");
  expect(stores.map(([, ...argv]) => storeWords(argv).kind)).toEqual(["export", "import"]);
  const settings = words.map((argv) => settingsWords(argv)?.kind).filter((kind) => kind !== undefined);
  expect(settings).toEqual(["init", "check", "schema", "labels"]);
  const brakes = words.filter(([name = ""]) => ["halt", "stop"].includes(name));
  expect(brakes.map((argv) => brakeWords(argv).kind)).toEqual(["halt", "lift", "stop"]);
  const images = words.filter(([name]) => name === "image");
  expect(new Set(images.map(([, ...argv]) => imageWords(argv).kind))).toEqual(
    new Set(["build", "list", "show", "promote", "rollback"]),
  );
  const looks = words.filter(([name = ""]) => name === "health");
  expect(looks.map(([, ...argv]) => checkupWords("health", argv).kind)).toEqual(["look", "look"]);
  expect(words.filter(([name]) => name === "doctor")).toEqual([["doctor"]]);
  const logs = words
    .filter(([name]) => name === "logs")
    .map(([, ...argv]) => logsWords(argv, Instant.parse(Date.now())));
  expect(logs.map(({ kind }) => kind)).toEqual(["show", "show", "show", "show"]);
  for (const part of eventParts) expect(readme).toContain(`\`${part}\``);
  const deployments = words.filter(([name]) => name === "deploy");
  expect(deployments.map(([, ...argv]) => deployWords(argv))).toMatchObject([{ tag: undefined }, { tag: "v1.2.0" }]);
  const volumes = words.filter(([name]) => name === "volume").map(([, ...argv]) => volumeWords(argv).kind);
  expect(new Set(volumes)).toEqual(new Set(["init", "ls", "backup", "restore"]));
  const plans = words.filter(([name]) => name === "schedule").map(([, ...argv]) => scheduleWords(argv).kind);
  expect(plans).toEqual(["show", "show"]);
  const trials = words.filter(([name]) => name === "e2e").map(([, ...argv]) => e2eWords(argv));
  expect(trials).toMatchObject([{ level: "core" }, { level: "smoke" }, { level: "full", report: "modal.md" }]);
  for (const argv of words.filter(
    ([name = ""]) => !["config", "init", "serve", "halt", "stop"].includes(name) && !operatorCommands.has(name),
  )) {
    expect(parseArgv(argv)).toMatchObject({ kind: "command" });
  }
});

test("what each level of the trial of a Modal account will likely cost is said as it is computed", () => {
  const table = under("## Try your Modal account");
  expect(rows(table, /^\w+$/).map(([name]) => name)).toEqual([...levels]);
  for (const level of levels) {
    const row = table.split("\n").find((line) => line.startsWith(`| \`${level}\``));
    expect(row).toMatch(new RegExp(` \\| \\${dollars(estimateOf(level))} \\|$`));
  }
});

test("each npm script that the pages name exists", () => {
  const named = pages.flatMap((name) =>
    Array.from(page(name).matchAll(/\bnpm (?:run ([\w:-]+)|(test|start))\b/g), ([, run, short]) => run ?? short ?? ""),
  );
  expect(new Set(named).size).toBeGreaterThanOrEqual(6);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});

test("each file that a script starts exists, and `check` runs every part of it", () => {
  const started = Object.values(scripts).flatMap((script) => script.match(/\b(?:src|test)\/[\w./-]+\.ts\b/g) ?? []);
  expect(started.length).toBeGreaterThanOrEqual(4);
  expect(started.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  const parts = Object.keys(scripts).filter((name) => name.startsWith("check:"));
  expect(scripts["check"]).toBe(parts.map((name) => `npm run ${name}`).join(" && "));
});

test("the sample of the settings file is taken as it stands", () => {
  const [sample, ...others] = blocks(under("## Run the service for your GitHub App"), "toml");
  expect(others).toEqual([]);
  const at = folder();
  writeFileSync(join(at, ".parhelia", "config.toml"), sample ?? "");
  expect(readConfig(at, {}).settings.github).toMatchObject({ app_id: 123_456, installations: [7_890_123] });
});

/** Rows of the tables whose first cell is code of this shape: the first two cells. */
const rows = (text: string, first: RegExp): (readonly [string, string])[] =>
  Array.from(
    text.matchAll(/^ *\| `([^`]+)` \| ([^|]*?) ?\|/gm),
    ([, name = "", value = ""]) => [name, value] as const,
  ).filter(([name]) => first.test(name));

test("the table of settings has every key with its default, and every secret", () => {
  const shown = showConfig(readConfig(folder(), {}));
  const defaults = Array.from(
    shown.matchAll(/^([a-z_]+\.[a-z_]+) = (.*) {2}# default$/gm),
    ([, key = "", value = ""]) => [key, value === "(not set)" ? "" : `\`${value}\``],
  );
  expect(defaults.length).toBeGreaterThan(10);
  expect(rows(under("### Settings"), /^[a-z_]+\.[a-z_]+$/)).toEqual(defaults);
  const secrets = Array.from(shown.matchAll(/^([A-Z_]+): not set/gm), ([, name]) => name);
  expect(rows(readme, /^[A-Z_]+$/).map(([name]) => name)).toEqual(secrets);
});

test("the sample of a repository's settings is taken as it stands, by the reader and by the schema for editors", () => {
  const samples = blocks(under("## Settings of a repository"), "toml");
  expect(samples.length).toBe(1);
  const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(settingsSchema())));
  for (const sample of samples) {
    expect(readSettings(sample)).toMatchObject({ ok: true });
    expect(schema.safeParse(parse(sample)).error).toBeUndefined();
  }
});

/** Each key with its default as the README writes them. */
function repositoryKeys(schema: z.ZodType, before: readonly string[], value: unknown): (readonly [string, string])[] {
  const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : schema;
  const of = (key: string): unknown =>
    isTable(value) ? Object.entries(value).find(([each]) => each === key)?.[1] : undefined;
  if (inner instanceof z.ZodRecord && inner.valueType instanceof z.ZodType)
    return repositoryKeys(inner.valueType, [...before, "NAME"], {});
  if (inner instanceof z.ZodObject)
    return Object.entries(inner.shape).flatMap(([key, each]) =>
      each instanceof z.ZodType ? repositoryKeys(each, [...before, key], of(key)) : [],
    );
  return [[before.join("."), value === undefined ? "" : `\`${JSON.stringify(value)}\``]];
}

test("the table of a repository's settings has every key with its default", () => {
  const keys = repositoryKeys(SettingsFile, [], defaultSettings());
  expect(keys.length).toBeGreaterThan(30);
  expect(rows(under("## Settings of a repository"), /^[a-zA-Z_]+\.[a-zA-Z_.]+$/)).toEqual(keys);
});

test("each variable that the pages and the Dockerfile name is one", () => {
  const named = [...pages, "Dockerfile"].flatMap((name) => page(name).match(/\bPARHELIA_[A-Z_]+\b(?!<)/g) ?? []);
  const known = (name: string): boolean => {
    try {
      readConfig(folder(), { [name]: "1" });
      return true;
    } catch (error) {
      return !String(error).includes("no setting of Parhelia");
    }
  };
  expect(known("PARHELIA_NONE")).toBe(false);
  expect(named.filter((name) => name !== "PARHELIA_" && !known(name))).toEqual([]);
});

test("the README asks for the permissions of app.yml", () => {
  const [, block = ""] = /^default_permissions:\n((?: {2}.*\n)+)/m.exec(page("app.yml")) ?? [];
  const asked = Array.from(block.matchAll(/^ {2}(\w+): (\w+)$/gm), ([, name, access]) => [name, access]);
  expect(asked.length).toBe(6);
  expect(rows(readme, /^(?:metadata|contents|issues|pull_requests|checks|actions|workflows)$/)).toEqual(asked);
});

test("each file and folder that the pages name exists", () => {
  const linked = pages.flatMap((name) =>
    Array.from(page(name).matchAll(/\]\((?!https?:)([^)#]+)\)/g), ([, to]) => to ?? ""),
  );
  // The tour shortens paths below src/.
  const told = Array.from(page("CONTRIBUTING.md").matchAll(/`((?:[\w-]+\/)+(?:[\w.-]+\.ts)?)`/g), ([, to]) => to ?? "");
  expect(told.length).toBeGreaterThan(20);
  const absent = [...linked, ...told].filter((to) => !existsSync(join(root, to)) && !existsSync(join(root, "src", to)));
  expect(absent).toEqual([]);
});

test("each proof that the pages name is there, and bears that name", () => {
  const lines = pages.flatMap((name) => shellLines(page(name))).filter((line) => line.startsWith("npm run proof -- "));
  const files = readdirSync(join(root, "test/proof")).filter((name) => name.endsWith(".test.ts"));
  expect(lines.length).toBeGreaterThanOrEqual(7);
  for (const [, , , , name = ""] of lines.map((line) => line.split(" "))) {
    expect(
      files.filter((file) => file.startsWith(name)),
      name,
    ).not.toEqual([]);
  }
});
