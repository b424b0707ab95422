/** What a result carries: real changes on disk, read by the real runner, whatever was done to `.git`. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { isForbidden } from "../../src/runner/manifest.ts";
import { needs } from "../world/needs.ts";
import { gitIn, makeRepository } from "./repository.ts";
import { runScript, shell, startSandbox, throughGateway } from "./sandbox.ts";

const hasGit = needs("git");

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

/** For a script: makes a repository with one commit in the directory. */
const commitIn = (directory: string): string =>
  `git init -q ${directory} && git -C ${directory} -c user.name=x -c user.email=x@example.com commit -q --allow-empty -m x`;

test.skipIf(!hasGit)("nothing changed is nothing carried, also when every file's time has", async () => {
  using repository = makeRepository({
    "a.txt": "a\n",
    run: { executable: "x" },
    link: { link: "nowhere" },
    ".gitattributes": "* text=auto eol=crlf\n",
  });
  const { result, changes } = await runScript(repository, "touch a.txt run .gitattributes; cat a.txt >&2");
  expect(changes).toEqual({});
  expect(result).toMatchObject({ parts: 0, changedFiles: 0, left: [], tail: "a\n" });
});

test.skipIf(!hasGit)("modes, links, renames, deletions and copies come as they are on disk", async () => {
  using repository = makeRepository({
    "run.sh": "echo\n",
    "old.txt": "1\n2\n",
    "a.txt": "a\n",
    "gone/x": "x\n",
    "keep.txt": "0\n",
    latest: { link: "v1" },
    "becomes-file": { link: "v1" },
    "becomes-link": "text",
    "becomes-directory": "text",
    "directory/becomes": "file",
  });
  const { result, changes } = await runScript(
    repository,
    `chmod +x run.sh; mv old.txt new.txt; echo 3 >> new.txt; cp a.txt b.txt; rm -r gone
     ln -sfn v2 latest; rm becomes-file; echo now > becomes-file; ln -sf target becomes-link
     rm becomes-directory; mkdir becomes-directory; echo in > becomes-directory/f
     rm -r directory; echo out > directory
     echo 1 > keep.txt; git add keep.txt; echo 2 > keep.txt
     git commit -q -m "a commit of the agent's own" --allow-empty`,
  );
  expect(changes).toEqual({
    "run.sh": "100755 echo\n",
    "old.txt": null,
    "new.txt": "100644 1\n2\n3\n",
    "b.txt": "100644 a\n",
    "gone/x": null,
    latest: "120000 v2",
    "becomes-file": "100644 now\n",
    "becomes-link": "120000 target",
    "becomes-directory": null,
    "becomes-directory/f": "100644 in\n",
    "directory/becomes": null,
    directory: "100644 out\n",
    "keep.txt": "100644 2\n",
  });
  expect(result).toMatchObject({ changedFiles: 13, left: [] });
});

test.skipIf(!hasGit)("names are bytes", async () => {
  using repository = makeRepository({ "caf\xe9": "latin1\n", "to-delete-\xff": "x" });
  const { changes } = await runScript(
    repository,
    `echo changed > "$(printf 'caf\\351')"; rm "$(printf 'to-delete-\\377')"
     echo q > 'naïve "q".txt'; printf t > "$(printf 'tab\\there')"; echo n > "$(printf 'new\\nline')"
     echo d > ./-rf; mkdir dir; echo b > 'dir/trailing '`,
  );
  expect(changes).toEqual({
    "caf\xe9": "100644 changed\n",
    "to-delete-\xff": null,
    [Buffer.from('naïve "q".txt').toString("latin1")]: "100644 q\n",
    "tab\there": "100644 t",
    "new\nline": "100644 n\n",
    "-rf": "100644 d\n",
    "dir/trailing ": "100644 b\n",
  });
});

test.skipIf(!hasGit)("ignored files stay behind, and a file of the commit's does not count as ignored", async () => {
  using repository = makeRepository({ ".gitignore": "*.log\nbuild/\n", "tracked.log": "0\n" });
  const { changes } = await runScript(
    repository,
    "echo 1 > tracked.log; echo 1 > new.log; mkdir build; echo x > build/x; echo y > y",
  );
  expect(changes).toEqual({ "tracked.log": "100644 1\n", y: "100644 y\n" });
});

test.skipIf(!hasGit)("a submodule is its commit; other repositories stay behind, by name", async () => {
  const [first, second] = ["1".repeat(40), "2".repeat(40)];
  using repository = makeRepository({
    "vendor/moved": { submodule: first },
    "vendor/removed": { submodule: second },
    "vendor/empty": { submodule: second },
    "vendor/filled": { submodule: second },
  });
  const { result, changes } = await runScript(
    repository,
    `rmdir vendor/moved vendor/removed; ${commitIn("vendor/moved")}; ${commitIn("nested")}; echo x > vendor/filled/x
     git -C vendor/moved rev-parse HEAD`,
  );
  const head = result.tail.trim();
  expect(head).toMatch(/^[0-9a-f]{40}$/);
  expect(changes).toEqual({ "vendor/moved": `160000 ${head}`, "vendor/removed": null });
  expect(result.left.toSorted()).toEqual([
    '"nested/" is a repository of its own.',
    '"vendor/filled/x" is inside a submodule.',
  ]);
});

test.skipIf(!hasGit)("what the work does to .git runs nothing and hides nothing", async () => {
  using repository = makeRepository({
    "a.txt": "a\n",
    "b.txt": "b\n",
    ".gitattributes": "*.txt filter=evil diff=evil\n",
  });
  using sandbox = await startSandbox({
    work: shell(
      `for key in core.fsmonitor core.sshCommand filter.evil.clean filter.evil.process diff.evil.textconv core.pager; do
         git config $key 'touch "$HOME/ran"; false'; git config --global $key 'touch "$HOME/ran"; false'; done
       for hook in post-index-change pre-commit reference-transaction; do
         mkdir -p .git/hooks; printf '#!/bin/sh\ntouch "$HOME/ran"' > .git/hooks/$hook; chmod +x .git/hooks/$hook; done
       echo changed > a.txt; git status; test -e $HOME/ran && echo "it would run" && rm $HOME/ran
       git -c core.fsmonitor=false update-index --assume-unchanged a.txt; rm -f $HOME/ran
       git config core.worktree /; git config core.excludesFile $HOME/hide; echo '*' > $HOME/hide; echo '*' >> .git/info/exclude
       rm .git/HEAD; echo new > new.txt; rm b.txt`,
    ),
    ...throughGateway(repository),
  });
  const result = await sandbox.finish();
  expect(result.tail).toContain("it would run");
  expect(existsSync(join(sandbox.home, "hide"))).toBe(true);
  expect(existsSync(join(sandbox.home, "ran"))).toBe(false);
  expect(result.left).toEqual([]);
  expect([...sandbox.gateway.changes().keys()].toSorted()).toEqual(["a.txt", "b.txt", "new.txt"]);
});

test.skipIf(!hasGit)("a workspace without its .git is read all the same", async () => {
  using repository = makeRepository({ "a.txt": "a\n" });
  const { changes } = await runScript(repository, "rm -rf .git; echo evil > .git; echo x > x");
  expect(changes).toEqual({ x: "100644 x\n" });
});

test.skipIf(!hasGit)("nothing outside the workspace is read through a link", async () => {
  using repository = makeRepository({ "directory/secret": "harmless\n" });
  const { changes } = await runScript(
    repository,
    `mkdir $HOME/outside; echo stolen > $HOME/outside/secret; rm -r directory; ln -s $HOME/outside directory`,
  );
  expect(Object.keys(changes).toSorted()).toEqual(["directory", "directory/secret"]);
  expect(changes["directory/secret"]).toBeNull();
  expect(changes["directory"]).toMatch(/^120000 .*outside$/);
});

test.skipIf(!hasGit)("what no commit can hold is named", async () => {
  using repository = makeRepository({ tracked: "x" });
  const { result, changes } = await runScript(
    repository,
    "rm tracked; mkfifo tracked untracked; mkdir -p .GIT 'git~1'; echo x > .GIT/config; echo x > 'git~1/config'; truncate -s 40G sparse; echo ok > ok",
  );
  expect(changes).toEqual({ ok: "100644 ok\n" });
  expect(result.left.toSorted()).toEqual([
    '".GIT/config" has a name that no clone would accept.',
    '"git~1/config" has a name that no clone would accept.',
    '"sparse" (42949672960 bytes) is more than a result holds: 3000 files, 26214400 bytes each, 52428800 together.',
    '"tracked" is no regular file.',
  ]);
});

test.skipIf(!hasGit)("a large file comes in pieces, and many files in few parts", async () => {
  using repository = makeRepository({});
  const { result, changes } = await runScript(
    repository,
    "head -c 5000000 /dev/zero | tr '\\0' z > large; for i in $(seq 1 60); do head -c 100000 /dev/zero > f$i; done",
  );
  expect(changes["large"]).toBe(`100644 ${"z".repeat(5_000_000)}`);
  expect(Object.keys(changes)).toHaveLength(61);
  expect(result).toMatchObject({ changedFiles: 61, parts: 8 });
});

test.skipIf(!hasGit)("more files than a result may have are cut, and said", async () => {
  using repository = makeRepository({});
  const { result, changes } = await runScript(repository, "for i in $(seq 1 3100); do : > f$i; done");
  expect(Object.keys(changes)).toHaveLength(3000);
  expect(result.changedFiles).toBe(3000);
  expect(result.left).toHaveLength(51);
  expect(result.left.at(-1)).toBe("50 more paths were left out.");
});

test.skipIf(!hasGit)("the workspace's own state after checkout is the commit", async () => {
  using repository = makeRepository({ "a.txt": "a\n", run: { executable: "x" } });
  const { result } = await runScript(repository, "git status --porcelain; git rev-parse HEAD; git remote");
  expect(result.tail).toBe(`${gitIn(repository.directory, "rev-parse", "HEAD")}\norigin\n`);
});

test("names that some system takes for .git or a way out are refused", () => {
  const invisible = Buffer.from(".g\u200cit/config").toString("latin1");
  const dotGit = [
    ".git",
    ".GIT/x",
    "a/.Git/config",
    ".git./x",
    ".git ",
    "git~1",
    "GIT~2/x",
    ".git::$DATA/x",
    "a\\.git\\x",
  ];
  const allowed = [".gitignore", ".github/x", "git", "a.git", "...", "git~", "a\\b", "x ", "-rf"];
  expect([...dotGit, invisible, "..", "a/../b", "./a"].filter((path) => !isForbidden(path))).toEqual([]);
  expect(allowed.filter((path) => isForbidden(path))).toEqual([]);
});
