/**
 * What npm packs, as somebody gets it: installed into a project elsewhere, where Node.js reads no TypeScript. The README's example
 * runs there, its types hold, and so does the program.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeAll, afterAll, expect, test } from "vitest";
import { needs } from "../world/needs.ts";

const root = join(import.meta.dirname, "../..");
const ready = needs("bwrap") && needs("git");
const project = mkdtempSync(join(tmpdir(), "parhelia-package-"));
afterAll(() => rmSync(project, { recursive: true, force: true }));

async function run(cwd: string, program: string, ...words: string[]) {
  // With what npm needs here to reach its registry; the settings of whoever runs the tests stay out.
  const own = Object.entries(process.env).filter(([name]) => !/^(?:PARHELIA|MODAL|ANTHROPIC|npm)_/.test(name));
  const child = spawn(program, words, { cwd, env: Object.fromEntries(own), stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, err };
}

const [, example = ""] =
  /\n## From code\n[\s\S]*?```js\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];

beforeAll(async () => {
  if (!ready) return;
  const packed = await run(root, "npm", "pack", "--pack-destination", project);
  if (packed.code !== 0) throw new Error(packed.err);
  const [archive = ""] = readdirSync(project).filter((name) => name.endsWith(".tgz"));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "elsewhere", private: true, type: "module" }));
  const quiet = ["--ignore-scripts", "--no-audit", "--no-fund"];
  const installed = await run(project, "npm", "install", ...quiet, `./${archive}`);
  if (installed.code !== 0) throw new Error(installed.err);
}, 300_000);

test.skipIf(!ready)("the README's example runs, and says what it should", async () => {
  writeFileSync(join(project, "example.js"), example);
  const { code, out, err } = await run(project, process.execPath, "example.js");
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/^0 v24\.\d+\.\d+\n\$5 is all\n$/);
});

test.skipIf(!ready)("its types hold for whoever uses them", async () => {
  writeFileSync(join(project, "typed.ts"), `${example}\nexport const wrong: string = version.exitCode;\n`);
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const flags = ["--module", "nodenext", "--target", "esnext", "--strict", "--skipLibCheck", "--noEmit"];
  const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types")];
  const { out } = await run(project, process.execPath, compiler, ...flags, ...types, "typed.ts");
  const faults = out.split("\n").filter((line) => line.includes("error"));
  expect(faults).toEqual([
    expect.stringMatching(/typed\.ts\(.*Type 'number \| null' is not assignable to type 'string'/),
  ]);
});

test.skipIf(!ready)("the program is compiled, is whole, and runs a task", async () => {
  const own = join(project, "node_modules/parhelia");
  expect(existsSync(join(own, "src/cli.ts"))).toBe(false);
  const bin = join(project, "node_modules/.bin/parhelia");
  const helped = await run(project, process.execPath, bin, "help");
  expect([helped.code, helped.out]).toEqual([0, expect.stringContaining("parhelia image build")]);
  const git = (...words: string[]) => run(project, "git", "-c", "user.name=a", "-c", "user.email=a@b.c", ...words);
  writeFileSync(join(project, ".gitignore"), "node_modules\n.parhelia\n*.tgz\n");
  for (const words of [
    ["init", "-q"],
    ["add", "."],
    ["commit", "-qm", "one"],
  ])
    expect((await git(...words)).code).toBe(0);
  // By way of the runner, which is bundled from what was compiled.
  const ran = await run(project, process.execPath, bin, "run", "--", "sh", "-c", "echo it ran");
  expect([ran.code, ran.out + ran.err]).toEqual([0, expect.stringContaining("it ran")]);
});
