/** The patch that a refusal of workflow files offers, put on the base by the real git: what it makes is the result's bytes. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { expect, onTestFinished, test } from "vitest";
import { parseComment } from "../../src/commands/parse.ts";
import { Refusal } from "../../src/core/refusal.ts";
import type { FileMode, ManifestEntry } from "../../src/core/protocol.ts";
import { patchOf } from "../../src/github/publish/patch.ts";
import { reportComment } from "../../src/github/report/words.ts";
import { needs } from "../world/needs.ts";
import { failed } from "./ended-views.ts";
import { openForgeWorld, toPublish, widgets } from "./forge-world.ts";
import { put, removal } from "./manifests.ts";
import { own } from "./publish-world.ts";
import { base, finding, view } from "./views.ts";

type Files = Readonly<Record<string, string>>;

/** Writes the files, lets git put the patch on them, and reads what is there then. */
function applied(before: Files, patch: string): Files {
  const directory = mkdtempSync(join(tmpdir(), "patch-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(before)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content, "latin1");
    chmodSync(join(directory, path), 0o644);
  }
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
  const run = spawnSync("git", ["apply"], { cwd: directory, input: patch, encoding: "utf8", env });
  expect(run.stderr.replaceAll(/^warning: .*\n/gm, "")).toBe("");
  expect(run.status).toBe(0);
  return Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: "utf8" }).flatMap((path) => {
      const found = lstatSync(join(directory, path));
      if (found.isDirectory()) return [];
      if (found.isSymbolicLink()) return [[path, `-> ${readlinkSync(join(directory, path))}`]];
      return [[path, `${(found.mode & 0o100) === 0 ? "" : "x "}${readFileSync(join(directory, path), "latin1")}`]];
    }),
  );
}

const side = (content: string | undefined, mode: FileMode = "100644") =>
  content === undefined ? undefined : { mode, content: Buffer.from(content, "latin1") };

const numbered = (count: number) => Array.from({ length: count }, (_, n) => `line ${n}\n`).join("");

test.skipIf(!needs("git")).each<[string, string | undefined, string | undefined]>([
  ["a changed line", "on: push\njobs: 1\n", "on: push\njobs: 2\n"],
  ["many lines far apart", numbered(60), numbered(60).replace("line 3\n", "").replace("line 50\n", "line 50\nnew\n")],
  ["no line break at the end, before", "a\nb", "a\nb\n"],
  ["no line break at the end, after", "a\nb\n", "a\nc"],
  ["blank lines and blanks at the end", "a\n\n \n\t\n", "b\n\n \n\t\n"],
  ["a new file", undefined, "a\n"],
  ["an empty new file", undefined, ""],
  ["a deleted file", "a\nb", undefined],
  ["a deleted empty file", "", undefined],
  ["a file that is emptied", "a\n", ""],
  ["an empty file that is filled", "", "a"],
  ["Windows line ends", "a\r\nb\r\n", "a\r\nc\r\n"],
  ["a deleted file with Windows line ends", "a\r\n", undefined],
  ["bytes that are no text", "\xff\0\xfe", "\0\x01\xff".repeat(99)],
  ["characters that nobody sees", "a\n", Buffer.from("a\u200b\u202e\n").toString("latin1")],
  ["letters of many bytes", Buffer.from("日\n").toString("latin1"), Buffer.from("日本 😀\n").toString("latin1")],
  ["ticks and a fence", "```\n", "````\n```\n~~~\n"],
  ["lines that look like a patch", "a\n", "--- a/x\n+++ b/x\n@@ -1,1 +1,1 @@\n\\ No newline\n"],
  ["nothing in common and very long", numbered(5000), numbered(5000).replaceAll("line", "other")],
])("git makes the result out of the patch: %s", (_, before, after) => {
  for (const path of ["ci.yml", 'naïve "q" \\ x.yml', "tab\there/ -rf/trailing "]) {
    const patch = patchOf({ path, before: side(before), after: side(after) });
    const at = (content: string | undefined): Files => (content === undefined ? {} : { [path]: content });
    expect(applied(at(before), `${patch}# The patch ends here.`)).toEqual(at(after));
  }
});

test.skipIf(!needs("git"))("git takes changed modes, and a link in place of a file", () => {
  const change = (before: ReturnType<typeof side>, after: ReturnType<typeof side>) =>
    applied({ "a.sh": "x\n" }, patchOf({ path: "a.sh", before, after }));
  expect(change(side("x\n"), side("x\n", "100755"))).toEqual({ "a.sh": "x x\n" });
  expect(change(side("x\n"), side("y\n", "100755"))).toEqual({ "a.sh": "x y\n" });
  expect(change(side("x\n"), side("b.sh", "120000"))).toEqual({ "a.sh": "-> b.sh" });
  expect(patchOf({ path: "a.sh", before: side("x"), after: side("x") })).toBe("");
});

const ci = ".github/workflows/ci.yml";
const before: Files = {
  [ci]: "on: push\njobs:\n  a: 1\n\n",
  ".github/workflows/gone.yml": "on: never",
  ".github/workflows/crlf.yml": "on: push\r\n",
  "src/a.ts": "a\n",
};
const result: readonly ManifestEntry[] = [
  put(ci, "on: [push]\njobs:\n  a: 1\n\n"),
  removal(".github/workflows/gone.yml"),
  put(".github/workflows/crlf.yml", "on: pull_request\r\n"),
  put('.github/workflows/new "one".yml', "on: push # no line break at the end"),
  put("src/a.ts", "b\n"),
];
const after: Files = {
  [ci]: "on: [push]\njobs:\n  a: 1\n\n",
  ".github/workflows/crlf.yml": "on: pull_request\r\n",
  '.github/workflows/new "one".yml': "on: push # no line break at the end",
  "src/a.ts": "a\n",
};

const codeIn = (node: Nodes): string[] =>
  node.type === "code" ? [node.value] : "children" in node ? node.children.flatMap(codeIn) : [];

async function refusedWorld(files: Files, changes: readonly ManifestEntry[]) {
  const world = await openForgeWorld();
  await world.github.repository(widgets, files);
  const at = world.at(world.github.as("dana").openIssue(widgets, "It breaks"));
  const request = await toPublish(world, at, changes);
  world.writes();
  const refusal = await world.forge.publish(request).catch((error: unknown) => error);
  if (!(refusal instanceof Refusal)) throw new Error("it was to be refused", { cause: refusal });
  expect(world.writes()).toEqual([]);
  const task = { ...failed(), finding: finding({ verdict: "failed", because: refusal.message, changedFiles: 5 }) };
  const shown = reportComment(view(task), { publicUrl: undefined });
  return { world, request, reason: refusal.message.split("\n")[0] ?? "", shown };
}

test.skipIf(!needs("git"))("the comment offers a patch of the workflow files that git takes (case 13a)", async () => {
  const { reason, shown } = await refusedWorld(before, result);
  expect(reason).toContain(`\`${ci}\``);
  expect(reason).toContain("The other file is kept too");
  expect(reason).toContain("Grant it, then `/parhelia publish t_7k2m9x4q`.");
  const [patch = ""] = codeIn(fromMarkdown(shown));
  expect(applied(before, patch)).toEqual(after);
});

test("once the app has the permission, the same result is published whole", async () => {
  const { world, request } = await refusedWorld(before, result);
  world.github.setPermissions(world.github.installation, {
    metadata: "read",
    contents: "write",
    issues: "write",
    pull_requests: "write",
    checks: "write",
    workflows: "write",
  });
  // By the same process, whose token was made without the permission.
  expect(await world.forge.publish(request)).toMatchObject({ branch: own, pullRequest: 2, files: 5 });
  expect(await world.github.files(widgets, own)).toHaveProperty([ci, "text"], "on: [push]\njobs:\n  a: 1\n\n");
});

test.skipIf(!needs("git"))(
  "a file without room is named and left out, and the rest of the patch is whole",
  async () => {
    const large = ".github/workflows/large.yml";
    const { reason, shown } = await refusedWorld(before, [...result, put(large, "x: y\n".repeat(10_000))]);
    expect(reason).toContain(`There is no room here for \`${large}\`.`);
    expect(Buffer.byteLength(shown)).toBeLessThan(65_000);
    const [patch = ""] = codeIn(fromMarkdown(shown));
    expect(applied(before, patch)).toEqual(after);
  },
);

test("thousands of workflow files make a refusal of readable length, and few calls", async () => {
  const many = Array.from({ length: 2_000 }, (_, n) => put(`.github/workflows/${n}.yml`, "a\n"));
  const { world, reason } = await refusedWorld(before, many);
  expect(reason.length).toBeLessThan(2_000);
  expect(reason).toContain("and 1990 more");
  expect(world.github.requests.length).toBeLessThan(100);
});

test("what is offered is no command by being shown", () => {
  const because =
    "It needs `workflows`. Grant it, then `/parhelia publish t_7k2m9x4q`.\n\ndiff --git a/x b/x\n+/parhelia run x\n";
  const shown = reportComment(view({ ...failed(), base, finding: finding({ because }) }), { publicUrl: undefined });
  expect(parseComment(shown)).toEqual([]);
});
