/** The program at a terminal, as a process of its own on a repository of its own. */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { say } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";
import { cli, path } from "./child.ts";
import { asRecord, livingProcesses } from "./leftovers.ts";
import { openStage } from "./service.ts";

const ready = needs("git");

const git = (directory: string, ...args: string[]): string =>
  execFileSync("git", ["-c", "user.name=dana", "-c", "user.email=dana@example.org", ...args], {
    cwd: directory,
    encoding: "utf8",
  }).trim();

/** A repository with one commit, one changed file, one staged file and one that git does not know. */
function repository(): string {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-terminal-"));
  onTestFinished(() => {
    expect(livingProcesses(directory)).toEqual([]);
    rmSync(directory, { recursive: true, force: true });
  });
  git(directory, "init", "-q", "-b", "main");
  writeFileSync(join(directory, "a.txt"), "a\n");
  git(directory, "add", "-A");
  git(directory, "commit", "-qm", "base");
  writeFileSync(join(directory, "a.txt"), "changed\n");
  writeFileSync(join(directory, "staged.txt"), "staged\n");
  git(directory, "add", "staged.txt");
  writeFileSync(join(directory, "new.txt"), "new\n");
  return directory;
}

async function parhelia(directory: string, args: readonly string[], env: Record<string, string> = {}) {
  const small = { PARHELIA_SANDBOX_CPU: "1", PARHELIA_SANDBOX_MEMORY: "512MiB" };
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: path, HOME: directory, ...small, ...env },
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout, stderr };
}

/** All that a person could miss. */
const checkedOut = (directory: string) => ({
  head: readFileSync(join(directory, ".git/HEAD"), "utf8"),
  index: readFileSync(join(directory, ".git/index")).toString("hex"),
  status: git(directory, "status", "--porcelain=v1"),
  files: ["a.txt", "staged.txt", "new.txt"].map((name) => readFileSync(join(directory, name), "utf8")),
});

const isolations = [...(needs("bwrap") ? ["bubblewrap"] : []), "none"];

test.skipIf(!ready).each(isolations)(
  "run leaves its result on a branch and all else as it is (%s)",
  async (isolation) => {
    const directory = repository();
    const before = checkedOut(directory);
    const env = { PARHELIA_SANDBOX_ISOLATION: isolation };
    const { code, stdout, stderr } = await parhelia(directory, ["run", "--", "sh", "-c", "cat a.txt > b.txt"], env);

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const branch = git(directory, "for-each-ref", "--format=%(refname:short)", "refs/heads/parhelia/");
    expect(stdout).toContain(`Branch ${branch}: 1 file, +1 −0`);
    expect(git(directory, "diff", "--name-status", "main", branch)).toBe("A\tb.txt");
    expect(git(directory, "show", `${branch}:b.txt`)).toBe("a");
    expect(checkedOut(directory)).toEqual(before);

    const shown = await parhelia(directory, ["status", "--json"], env);
    expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(shown.stdout)).toMatchObject({
      task: { state: "succeeded", attempts: 1, published: { branch, pullRequest: null } },
      spent: 0,
    });
  },
);

test.skipIf(!ready)("what git did not take is kept, and `publish` makes the branch later", async () => {
  const directory = repository();
  const env = { PARHELIA_SANDBOX_ISOLATION: "none" };
  git(directory, "branch", "parhelia");
  const kept = await parhelia(directory, ["run", "--", "sh", "-c", "echo b > b.txt"], env);
  expect(kept.code).toBe(1);
  const again = /parhelia (publish t_\w{8})/.exec(kept.stdout)?.[1]?.split(" ") ?? [];
  expect(again).toHaveLength(2);

  git(directory, "branch", "-D", "parhelia");
  const { code, stdout, stderr } = await parhelia(directory, again, env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const branch = git(directory, "for-each-ref", "--format=%(refname:short)", "refs/heads/parhelia/");
  expect(stdout).toContain(`Branch ${branch}: 1 file, +1 −0`);
  const shown = await parhelia(directory, ["status", "--json"], env);
  expect(JSON.parse(shown.stdout)).toMatchObject({ task: { state: "succeeded", attempts: 1 } });
});

test.skipIf(!ready)("the exit code tells a failed command, a refusal and a misuse apart", async () => {
  const directory = repository();
  const env = { PARHELIA_SANDBOX_ISOLATION: "none" };
  const failed = await parhelia(directory, ["run", "--", "sh", "-c", "echo sorry; exit 3"], env);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain("exited with 3");
  expect(failed.stdout).toContain("sorry");
  expect(git(directory, "branch", "--list", "parhelia/*")).toBe("");

  const misused = await parhelia(directory, ["run", "--tiemout", "5m", "fix it"], env);
  expect(misused).toMatchObject({ code: 2, stdout: "" });
  expect(misused.stderr).toContain("--timeout");

  const elsewhere = mkdtempSync(join(tmpdir(), "parhelia-terminal-"));
  onTestFinished(() => rmSync(elsewhere, { recursive: true }));
  const refused = await parhelia(elsewhere, ["run", "--", "true"], env);
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain(`${elsewhere} is in no git repository`);
});

test.skipIf(!ready)("a wrong key stops the program and is named with its file and the nearest right one", async () => {
  const directory = repository();
  mkdirSync(join(directory, ".parhelia"));
  writeFileSync(join(directory, ".parhelia/config.toml"), '[sandbox]\nmemmory = "1GiB"\n');
  const file = await parhelia(directory, ["config"]);
  expect(file).toMatchObject({ code: 2, stdout: "" });
  expect(file.stderr).toContain(".parhelia/config.toml");
  expect(file.stderr).toContain("sandbox.memmory");
  expect(file.stderr).toContain("Did you mean memory?");

  writeFileSync(join(directory, ".parhelia/config.toml"), '[sandbox]\nmemory = "1GiB"\n');
  const variable = await parhelia(directory, ["config"], { PARHELIA_SANDBOX_CPUS: "1" });
  expect(variable).toMatchObject({ code: 2, stdout: "" });
  expect(variable.stderr).toContain("Did you mean PARHELIA_SANDBOX_CPU?");

  const key = "sk-ant-not-to-be-shown";
  const right = await parhelia(directory, ["config"], { ANTHROPIC_API_KEY: key });
  expect(right).toMatchObject({ code: 0, stderr: "" });
  expect(right.stdout).toContain('sandbox.cpu = "1"  # PARHELIA_SANDBOX_CPU');
  expect(right.stdout).toContain("ANTHROPIC_API_KEY: set");
  expect(right.stdout).not.toContain(key);
});

test.skipIf(!ready)("a cloned repository does not decide where the key goes", async () => {
  const directory = repository();
  mkdirSync(join(directory, ".parhelia"));
  writeFileSync(join(directory, ".parhelia/config.toml"), '[agent]\napi_url = "https://elsewhere.example"\n');
  git(directory, "add", "--force", ".parhelia/config.toml");
  git(directory, "commit", "--quiet", "--message", "Settings");
  const refused = await parhelia(directory, ["run", "fix it"], { ANTHROPIC_API_KEY: "sk-ant-not-for-elsewhere" });
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain("a repository may not decide agent.api_url");
  expect(refused.stderr).toContain("PARHELIA_AGENT_API_URL");
});

test.skipIf(!ready)("beside a service, a run is done by that service", async () => {
  const stage = await openStage(onTestFinished, { script: say("Nothing to do."), isolation: "none" });
  await stage.start();
  const directory = repository();
  const command = ["run", "--repo", directory, "--", "sh", "-c", "echo b > b.txt"];
  const { code, stdout, stderr } = await parhelia(stage.root, command);

  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain("Branch parhelia/");
  expect(git(directory, "branch", "--list", "parhelia/*")).not.toBe("");
  const { task } = await stage.view();
  const steps = stage.said.map(asRecord).filter((line) => line["msg"] === "step" && line["task"] === task.id);
  expect(steps.map((line) => line["step"])).toEqual(expect.arrayContaining(["create", "publish"]));
  await stage.expectNothingLeft();
});

test("a ceiling that one process sets is there for the next, in any folder with settings", async () => {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-terminal-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, ".parhelia"));
  const set = await parhelia(directory, ["budget", "set", "50"]);
  expect(set).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("$50.00, before $200.00") });
  const shown = await parhelia(directory, ["budget", "show", "--json"]);
  expect(shown).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(shown.stdout)).toMatchObject({ ceiling_usd: 50, used_usd: 0, is_exceeded: false });

  const exported = await parhelia(directory, ["budget", "export", "--month", "2026-01", "january.csv"]);
  expect(exported).toMatchObject({ code: 0, stdout: "", stderr: expect.stringContaining("no lines of 2026-01") });
  expect(readFileSync(join(directory, "january.csv"), "utf8")).toMatch(/^at,do,slice,amount_usd,[\w,]+\n$/);
  const again = await parhelia(directory, ["budget", "export", "january.csv"]);
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining("exists already") });

  const misused = await parhelia(directory, ["budget", "hstory"]);
  expect(misused).toMatchObject({ code: 2, stderr: expect.stringContaining("Did you mean budget history?") });
  expect((await parhelia(directory, ["cancel", "--json"])).code).toBe(2);
});
