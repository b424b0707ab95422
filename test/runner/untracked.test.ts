/** What git cannot tell about the workspace: named where it can be, and no result at all where it cannot. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { needs } from "../world/needs.ts";
import { makeRepository } from "./repository.ts";
import { runScript, shell, startSandbox, throughGateway } from "./sandbox.ts";

const hasGit = needs("git");

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

/** A PATH on which git is killed when it is asked for `command` in the repository made for questions, as by a machine without memory. */
function pathWhereGitFailsAt(command: string): string {
  const directory = mkdtempSync(join(tmpdir(), "git-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = process.env["PATH"] ?? "";
  const git = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
  const script = `#!/bin/sh\ncase "$GIT_DIR $* " in /*" ${command} "*) echo half; kill -9 $$;; esac\nexec ${git} "$@"\n`;
  writeFileSync(join(directory, "git"), script, { mode: 0o755 });
  return `${directory}:${path}`;
}

test.skipIf(!hasGit).each(["ls-files -z -o", "ls-files -z -s", "check-attr", "init"])(
  "where `git %s` fails there is no change at all: half of one would look whole",
  async (command) => {
    using repository = makeRepository({ "a.txt": "a\n", "gone.txt": "g\n" });
    const { source, options } = throughGateway(repository);
    using sandbox = await startSandbox({
      work: shell("echo changed > a.txt; rm gone.txt; echo new > new.txt"),
      source,
      options,
      env: { PATH: pathWhereGitFailsAt(command) },
    });
    const result = await sandbox.finish();
    expect(result).toMatchObject({ ended: "exited", exitCode: 0, parts: 0, changedFiles: 0 });
    const git = `git ${command.split(" ")[0]}`;
    expect(result.because).toBe(`its changes could not be handed over: ${git} failed: git ended with SIGKILL`);
    expect([...sandbox.gateway.parts.keys()]).toEqual([]);
  },
);

/** Makes directories below one another until no path names the last, with a file in it, and puts a file beside them. */
const tooDeep = `
  const { mkdirSync, writeFileSync } = require("node:fs");
  writeFileSync("new.txt", "new\\n");
  for (let at = 0; at < 20; at += 1) {
    mkdirSync("d".repeat(250));
    process.chdir("d".repeat(250));
  }
  writeFileSync("hidden.txt", "hidden\\n");`;

test.skipIf(!hasGit)("a directory that cannot be opened is named, and the rest is carried", async () => {
  using repository = makeRepository({ "a.txt": "a\n" });
  const { source, options } = throughGateway(repository);
  using sandbox = await startSandbox({
    work: { kind: "command", argv: [process.execPath, "-e", tooDeep] },
    source,
    options,
  });
  const result = await sandbox.finish();
  // What is too deep for git is too deep for Node.js to remove.
  execFileSync("rm", ["-rf", "d".repeat(250)], { cwd: sandbox.workspace });
  expect(result).toMatchObject({ ended: "exited", exitCode: 0, changedFiles: 1 });
  expect([...sandbox.gateway.changes().keys()]).toEqual(["new.txt"]);
  const { left } = result;
  expect(left).toEqual([
    expect.stringMatching(/^Not all new files could be listed: warning: could not open directory 'd+/),
  ]);
});

test.skipIf(!hasGit)("the note about new files stands before the paths that were left out", async () => {
  using repository = makeRepository({});
  const { source, options } = throughGateway(repository);
  using sandbox = await startSandbox({
    work: {
      kind: "command",
      argv: [
        process.execPath,
        "-e",
        `require("node:child_process").execSync("mkdir .GIT; for i in $(seq 60); do : > .GIT/f$i; done");${tooDeep}`,
      ],
    },
    source,
    options,
  });
  const { left } = await sandbox.finish();
  execFileSync("rm", ["-rf", "d".repeat(250)], { cwd: sandbox.workspace });
  expect(left[0]).toMatch(/^Not all new files/);
  expect(left).toHaveLength(51);
  expect(left.at(-1)).toBe("11 more paths were left out.");
});

test.skipIf(!hasGit)("a submodule without a commit is named, and does not take another's commit along", async () => {
  using repository = makeRepository({
    "vendor/a": { submodule: "1".repeat(40) },
    "vendor/b": { submodule: "2".repeat(40) },
  });
  const { result, changes } = await runScript(
    repository,
    `git init -q vendor/a; git init -q vendor/b
     git -C vendor/b -c user.name=x -c user.email=x@example.com commit -q --allow-empty -m x
     git -C vendor/b rev-parse HEAD`,
  );
  expect(changes).toEqual({ "vendor/b": `160000 ${result.tail.trim()}` });
  expect(result.left).toEqual([expect.stringMatching(/^"vendor\/a" has no commit that could be read: ./)]);
});
