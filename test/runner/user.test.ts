/** The work runs as another user than the runner, which the first command of the sandbox sees to. Needs root, as in a sandbox of Modal's. */
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { bootCommand } from "../../src/core/boot.ts";
import { openTree } from "../../src/runner/files.ts";
import { needs } from "../world/needs.ts";
import { makeRepository } from "./repository.ts";
import { bundle, shell, startSandbox, throughGateway } from "./sandbox.ts";

vi.setConfig({ testTimeout: 30_000 });

const isRoot = process.getuid?.() === 0;
const ready = needs("git") && isRoot;

/** Nobody else's on this machine: what it leaves running is ended by its number. */
const uid = 54_321;

async function runAs(script: string, env: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), "agent-home-"));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  using repository = makeRepository({ "kept.txt": "kept\n", "gone.txt": "gone\n", "run.sh": "#!/bin/sh\n" });
  const { source, options } = throughGateway(repository);
  using sandbox = await startSandbox({
    work: shell(script),
    source,
    options: { ...options, runner: bundle },
    argv: bootCommand(bundle.sha256),
    env: { PARHELIA_AGENT_USER: String(uid), PARHELIA_AGENT_HOME: join(home, "agent"), ...env },
    before: () => chmodSync(home, 0o755),
  });
  const result = await sandbox.finish();
  return { result, gateway: sandbox.gateway };
}

test.skipIf(!ready)("it owns its workspace and its home, commits, and its changes are handed over", async () => {
  const { result, gateway } = await runAs(`
    id -u; id -g; id -G; echo "$HOME"; touch "$HOME/mine" && git config --global user.name me && git status --short
    git fetch --quiet origin && git commit --quiet --allow-empty -m mine && git log -1 --format=%an
    echo new > new.txt; rm gone.txt; ln -s /etc/hostname link
  `);
  expect(result).toMatchObject({ ended: "exited", exitCode: 0, changedFiles: 3, left: [] });
  const [user, group, groups, home, author] = result.tail.split("\n");
  expect([user, group, groups, author]).toEqual([`${uid}`, `${uid}`, `${uid}`, "me"]);
  expect(home).toMatch(/agent$/);
  const changes = Object.fromEntries(gateway.changes());
  expect(changes["new.txt"]?.content.toString()).toBe("new\n");
  expect(changes["link"]).toMatchObject({ mode: "120000" });
  expect(changes["gone.txt"]).toBeNull();
});

test.skipIf(!ready)("nothing that is the runner's can be read, changed or ended by it", async () => {
  const { result } = await runAs(`
    runner=$(ps -o ppid= -p $$ | tr -d ' ')
    cat /proc/$runner/environ; cat /proc/$runner/maps; ls /proc/$runner/fd; kill -9 $runner
    for each in "$TMPDIR"/parhelia-*; do cat "$each"/events; echo x >> "$each"/runner.mjs; done
    grep -rl PARHELIA_TOKEN "$TMPDIR" /proc/$runner 2>/dev/null | grep -v runner.mjs
    echo survived
  `);
  expect(result.ended).toBe("exited");
  expect(result.tail).not.toMatch(/PARHELIA_TOKEN|heap|socket:/);
  expect(result.tail.match(/Permission denied|Operation not permitted/g)?.length).toBeGreaterThanOrEqual(5);
  expect(result.tail).toContain("survived");
});

test.skipIf(!ready)("a process that hides from its mark and its group is ended with the work", async () => {
  const { result } = await runAs("env -i setsid sleep 4321 >/dev/null 2>&1 & sleep 0.3; echo left it");
  expect(result).toMatchObject({ ended: "exited", tail: "left it\n" });
  const all = execFileSync("ps", ["-eo", "uid=,stat=,args="]).toString().split("\n");
  expect(all.filter((line) => line.trim().startsWith(String(uid)) && !/^\s*\d+\s+Z/.test(line))).toEqual([]);
});

test.skipIf(!isRoot)("a file that is not the work's own is not read for it, as by a hard link", () => {
  const root = mkdtempSync(join(tmpdir(), "tree-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const name of ["own", "other"]) writeFileSync(join(root, name), name);
  chownSync(join(root, "own"), uid, uid);
  const tree = openTree(root, uid);
  expect(tree.look("own")).toMatchObject({ kind: "file", bytes: 3 });
  expect(tree.look("other")).toEqual({ kind: "odd", because: "belongs to another user" });
  tree.close();
});

test.skipIf(!ready)("where there is no such user, that is said and the work is done all the same", async () => {
  const { result, gateway } = await runAs("id -u", { PARHELIA_AGENT_HOME: "/dev/null/home" });
  expect(result).toMatchObject({ ended: "exited", tail: "0\n" });
  const warned = gateway.events.find(({ type }) => type === "runner_warning");
  expect(warned?.message).toContain("The work runs as the runner's own user, as there is no other: ");
});
