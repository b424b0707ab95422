/** The workflows are run by GitHub alone, so what can be known of them here is: their triggers, rights and commands. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { levels } from "../src/operator/e2e/facts.ts";
import { e2eWords } from "../src/operator/e2e.ts";
import { imageWords } from "../src/terminal/image-words.ts";

const root = join(import.meta.dirname, "..");
const directory = join(root, ".github/workflows");
const files = readdirSync(directory);

const Step = z.object({
  name: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).default({}),
});
const Workflow = z.object({
  name: z.string(),
  "run-name": z.string().optional(),
  on: z.record(z.string(), z.unknown()),
  permissions: z.record(z.string(), z.string()),
  concurrency: z.object({ group: z.string(), "cancel-in-progress": z.boolean() }),
  jobs: z.record(
    z.string(),
    z.object({ "timeout-minutes": z.number(), permissions: z.unknown().optional(), steps: z.array(Step) }),
  ),
});

const textOf = (file: string): string => readFileSync(join(directory, file), "utf8");
const read = (file: string) => Workflow.parse(parse(textOf(file)));
const stepsOf = (file: string) => Object.values(read(file).jobs).flatMap(({ steps }) => steps);
const image = "image-rebuild.yml";
const e2e = "e2e-modal.yml";

function stepNamed(file: string, name: string): z.output<typeof Step> & { run: string } {
  const found = stepsOf(file).find((step) => step.name === name);
  if (found?.run === undefined) throw new Error(`${file} has no step "${name}" that runs something.`);
  return { ...found, run: found.run };
}

test.each(files)("%s may read the code and nothing else, and ends within half an hour", (file) => {
  const { permissions, jobs, on } = read(file);
  expect(permissions).toEqual({ contents: "read" });
  for (const job of Object.values(jobs)) {
    expect(job.permissions).toBeUndefined();
    expect(job["timeout-minutes"]).toBeLessThanOrEqual(30);
  }
  // It would give the secrets to the code of forks.
  expect(Object.keys(on)).not.toContain("pull_request_target");
});

test.each(files)("%s uses actions by their commit, and says which version that is", (file) => {
  const used = textOf(file).match(/^.*\buses:.*$/gm) ?? [];
  expect(used.length).toBeGreaterThan(0);
  for (const line of used) expect(line).toMatch(/uses: [\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  expect(stepsOf(file).filter(({ uses }) => uses !== undefined).length).toBe(used.length);
});

test.each(files)("%s hands nothing of a stranger's to a shell but as a variable", (file) => {
  for (const { run = "" } of stepsOf(file)) {
    expect(run).not.toContain("${{");
    expect(spawnSync("bash", ["-n", "-c", run]).status).toBe(0);
  }
});

test.each(files)("each command of %s exists", (file) => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  for (const { run = "" } of stepsOf(file)) {
    const named = Array.from(run.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g), ([, name = ""]) => name);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
    const started = Array.from(run.matchAll(/^bash (\S+)/gm), ([, path = ""]) => path);
    expect(started.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  }
});

test("the two that use the account never overlap, and what runs is not cut off", () => {
  const both = [image, e2e].map((file) => read(file).concurrency);
  expect(both).toEqual([
    { group: "modal-account", "cancel-in-progress": false },
    { group: "modal-account", "cancel-in-progress": false },
  ]);
  const secrets = [image, e2e].flatMap((file) =>
    stepsOf(file).flatMap(({ env }) => Object.values(env).filter((value) => value.includes("secrets."))),
  );
  expect(new Set(secrets)).toEqual(
    new Set(
      ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET", "UPSTASH_REDIS_REST_TOKEN"].map((name) => `\${{ secrets.${name} }}`),
    ),
  );
});

test("the image is rebuilt on Sundays at six, or with a tag when somebody asks", () => {
  expect(read(image).on).toMatchObject({
    schedule: [{ cron: "0 6 * * 0" }],
    workflow_dispatch: { inputs: { tag: { required: false, default: "" } } },
  });
});

test("the account is tried at four each night, at a level when somebody asks, and by pull requests at the least", () => {
  const { on } = read(e2e);
  expect(on).toMatchObject({
    schedule: [{ cron: "0 4 * * *" }],
    workflow_dispatch: { inputs: { test_level: { type: "choice", options: [...levels], default: "core" } } },
  });
  const { paths } = z.object({ paths: z.array(z.string()) }).parse(on["pull_request"]);
  expect(paths).toContain("src/sandbox/modal/**");
  expect(paths.filter((path) => !existsSync(join(root, path.replace(/\/\*\*$/, ""))))).toEqual([]);
  const level = "${{ github.event_name == 'pull_request' && 'smoke' || inputs.test_level || 'core' }}";
  expect(stepNamed(e2e, "Try the account").env["LEVEL"]).toBe(level);
  // By this the App knows the level of a run that failed.
  expect(read(e2e)["run-name"]).toBe(`E2E Modal tests (${level})`);
});

interface Shelled {
  readonly code: number | null;
  readonly out: string;
  /** What was started by npx or npm, word by word. */
  readonly started: readonly (readonly string[])[];
  readonly output: string;
}

/** Runs it as GitHub does, with npx and npm that only say what they were asked. */
function shell(run: string, env: Readonly<Record<string, string>>): Shelled {
  const place = mkdtempSync(join(tmpdir(), "parhelia-workflow-"));
  onTestFinished(() => rmSync(place, { recursive: true }));
  for (const name of ["npx", "npm"]) {
    writeFileSync(join(place, name), `#!/bin/sh\n{ printf '%s\\n' "$@"; echo =====; } >> ${join(place, "started")}\n`);
    chmodSync(join(place, name), 0o755);
  }
  const output = join(place, "output");
  writeFileSync(output, "");
  writeFileSync(join(place, "started"), "");
  const PATH = `${place}:${process.env["PATH"] ?? ""}`;
  const child = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", run], {
    cwd: place,
    env: { PATH, GITHUB_OUTPUT: output, ...env },
    encoding: "utf8",
  });
  const words = readFileSync(join(place, "started"), "utf8")
    .split("=====\n")
    .filter((text) => text !== "");
  const started = words.map((text) => text.trimEnd().split("\n"));
  return { code: child.status, out: child.stdout, started, output: readFileSync(output, "utf8") };
}

test("a week's image is built anew where it is there, one with a tag is not, and both are made live", () => {
  const { run } = stepNamed(image, "Build, try and promote");
  const asked = (TAG: string) => {
    const { code, started } = shell(run, { TAG });
    expect([code, started.map(([program, command]) => [program, command])]).toEqual([
      0,
      [
        ["parhelia", "image"],
        ["parhelia", "image"],
      ],
    ]);
    return started.map(([, , ...words]) => imageWords(words));
  };
  const week = expect.stringMatching(/^weekly-\d{8}$/);
  expect(asked("")).toEqual([
    { kind: "build", tag: week, replaces: "its tag" },
    { kind: "promote", tag: week },
  ]);
  expect(asked("v1.2.3")).toEqual([
    { kind: "build", tag: "v1.2.3", replaces: "nothing" },
    { kind: "promote", tag: "v1.2.3" },
  ]);
  expect(asked("$(id)").map(({ kind }) => kind)).toEqual(["wrong", "wrong"]);
});

test("without an account a pull request is told why nothing was tried, and everything else fails with the cure", () => {
  const { run } = stepNamed(e2e, "Is there an account?");
  const there = shell(run, { MODAL_TOKEN_ID: "ak-1", GITHUB_EVENT_NAME: "schedule" });
  expect([there.code, there.output]).toEqual([0, "there=true\n"]);
  const fork = shell(run, { MODAL_TOKEN_ID: "", GITHUB_EVENT_NAME: "pull_request" });
  expect([fork.code, fork.output, fork.out]).toEqual([0, "", expect.stringMatching(/^::notice::/)]);
  const night = shell(run, { MODAL_TOKEN_ID: "", GITHUB_EVENT_NAME: "schedule" });
  expect([night.code, night.output, night.out]).toEqual([1, "", expect.stringMatching(/^::error::MODAL_TOKEN_ID/)]);
});

test("what the account is tried with is understood", () => {
  const { run } = stepNamed(e2e, "Try the account");
  for (const LEVEL of levels) {
    const [[, , script, , ...words] = []] = shell(run, { LEVEL }).started;
    expect([script, e2eWords(words)]).toEqual(["e2e:modal", expect.objectContaining({ kind: "run", level: LEVEL })]);
  }
});
