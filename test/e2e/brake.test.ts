/** The brake as a program of its own, beside a service that lives, and where nothing else works. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";
import { cli, path } from "./child.ts";
import { livingProcesses } from "./leftovers.ts";

function repository(): string {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-brake-"));
  onTestFinished(() => {
    expect(livingProcesses(directory)).toEqual([]);
    rmSync(directory, { recursive: true, force: true });
  });
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=dana", "-c", "user.email=dana@example.org", ...args], { cwd: directory });
  git("init", "-q", "-b", "main");
  writeFileSync(join(directory, "a.txt"), "a\n");
  git("add", "-A");
  git("commit", "-qm", "base");
  return directory;
}

function start(directory: string, args: readonly string[]) {
  const env = { PATH: path, HOME: directory, PARHELIA_SANDBOX_ISOLATION: "none", PARHELIA_SANDBOX_CPU: "1" };
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...env, PARHELIA_SANDBOX_MEMORY: "512MiB" },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { ended: async () => ({ code: await code, said }), said: () => said };
}
const parhelia = (directory: string, ...args: string[]) => start(directory, args).ended();

test.skipIf(!needs("git"))(
  "stop --all ends a task that another process runs, and nothing starts until halt --off",
  { timeout: 60_000 },
  async () => {
    const directory = repository();
    const run = start(directory, ["run", "--", "sh", "-c", "touch up; sleep 1000"]);
    await eventually(() => livingProcesses(directory).length > 1 && run.said().includes("Working"), {
      withinMs: 20_000,
    });
    const stopped = await parhelia(directory, "stop", "--all", "--yes", "odd", "bill");
    expect(stopped.code).toBe(0);
    expect(stopped.said).toContain("Cancelled 1 task in the store");
    expect(stopped.said).toMatch(/Ended 1 of 1 sandboxes of this machine/);
    const ended = await run.ended();
    expect(ended.code).toBe(1);
    expect(ended.said).toContain("Cancelled by");

    const next = start(directory, ["run", "--", "true"]);
    await eventually(() => next.said().includes("halted by the operator · odd bill"), { withinMs: 20_000 });
    expect(await parhelia(directory, "halt", "--off")).toMatchObject({ code: 0 });
    expect((await next.ended()).code).toBe(0);
  },
);

test.skipIf(!needs("git"))("a configuration that cannot be read fails its part alone", async () => {
  const directory = repository();
  mkdirSync(join(directory, ".parhelia"));
  writeFileSync(join(directory, ".parhelia/config.toml"), "[engine]\nmax_sandboxs = 3\n");
  const { code, said } = await parhelia(directory, "stop", "--all", "--yes");
  expect(code).toBe(1);
  expect(said).toContain("The store could not be told:");
  expect(said).toContain("max_sandboxes");
});

test.skipIf(!needs("git"))("nobody is stopped by accident", async () => {
  const directory = repository();
  expect(await parhelia(directory, "stop", "--all")).toMatchObject({ code: 2, said: expect.stringContaining("--yes") });
  expect(await parhelia(directory, "stop")).toMatchObject({
    code: 2,
    said: expect.stringContaining("parhelia cancel"),
  });
});
