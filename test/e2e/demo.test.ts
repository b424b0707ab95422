/** The demonstration, as a newcomer runs it: it has to work, to say what it used, and to leave nothing behind. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";
import { needsClaude } from "./service.ts";

const script = join(import.meta.dirname, "../world/demo.ts");

const ready = needsClaude() && needs("git");

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "demo-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

interface Running {
  readonly said: () => string;
  readonly interrupt: () => void;
  readonly stopReading: () => void;
  readonly ended: Promise<number | null>;
}

function start(args: readonly string[], env: { readonly PATH: string; readonly TMPDIR: string }): Running {
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGTERM"));
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += String(chunk)));
  return {
    said: () => said,
    interrupt: () => void child.kill("SIGINT"),
    stopReading: () => void child.stdout.destroy(),
    ended: new Promise((resolve) => child.once("close", resolve)),
  };
}

/** Command lines of all processes that have to do with the directory. */
const processesOf = (directory: string): string[] =>
  readdirSync("/proc").flatMap((pid) => {
    try {
      const text = (file: string): string => readFileSync(`/proc/${pid}/${file}`, "latin1").replaceAll("\0", " ");
      return /^\d+$/.test(pid) && (text("cmdline") + text("environ")).includes(directory) ? [text("cmdline")] : [];
    } catch {
      // It ended while it was looked at.
      return [];
    }
  });

const path = process.env["PATH"] ?? "";
const lines = (text: string): string[] => text.split("\n").map((line) => line.trim());

test.skipIf(!ready || !needs("bwrap"))(
  "an issue becomes a pull request, and all of it holds",
  { timeout: 120_000 },
  async () => {
    const temp = temporary();
    const demo = start([], { PATH: path, TMPDIR: temp });
    expect([await demo.ended, demo.said()]).toEqual([0, expect.stringContaining("All of it holds.")]);
    const said = lines(demo.said());
    expect(said.filter((line) => line.startsWith("✗"))).toEqual([]);
    expect(said.filter((line) => line.startsWith("✓")).length).toBe(8);
    expect(demo.said()).toMatch(/model +a script that knows the fix/);
    expect(demo.said()).toMatch(/sandboxes +jails of bubblewrap/);
    expect(said).toContain("dana: /parhelia run -- npm test");
    expect(demo.said()).toMatch(/❌ Failed: npm test exited with 1/);
    expect(demo.said()).toMatch(/✅ Done: #2 · /);
    expect(said).toContain("+  for (let at = 0; at < items.length; at += 1) {");
    // Plain lines where there is no terminal, and no marks that only a page draws.
    expect(demo.said()).not.toMatch(/[\u001b\r\\]|\*\*|<sub>|https?:/);
    expect(readdirSync(temp)).toEqual([]);
    expect(processesOf(temp)).toEqual([]);
  },
);

test.skipIf(!ready || !needs("bwrap"))(
  "on Modal it is the same conversation, a label is a GPU task there, and a workflow that fails is one issue",
  { timeout: 120_000 },
  async () => {
    const temp = temporary();
    // The first means Modal by itself.
    const demo = start(["--label", "--failure"], { PATH: path, TMPDIR: temp });
    expect([await demo.ended, demo.said()]).toEqual([0, expect.stringContaining("All of it holds.")]);
    const said = lines(demo.said());
    expect(said.filter((line) => line.startsWith("✗"))).toEqual([]);
    expect(said.filter((line) => line.startsWith("✓")).length).toBe(22);
    expect(said).toContain("✓ no sandbox is left on Modal");
    expect(demo.said()).toMatch(/sandboxes +of Modal: its own client against a stand-in/);
    expect(demo.said()).toMatch(/❌ Failed: npm test exited with 1/);
    expect(demo.said()).toMatch(/✅ Done: #2 · /);
    expect(demo.said()).toMatch(/at \$0\.380592\/h/);
    expect(said).toContain("dana: (puts the label parhelia:gpu-a100 on)");
    expect(demo.said()).toMatch(/before GPU A100 asked for; its sandbox costs \$2\.48 an hour/);
    expect(demo.said()).toMatch(/after +GPU A100 asked for, ran on NVIDIA A100-SXM4-40GB \(40 GB\) at \$2\.10 an hour/);
    expect(demo.said()).toMatch(/#5 is open: 🚨 Weekly image rebuild has failed 3 times in a row/);
    expect(demo.said()).toMatch(/#5 is closed: ✅ Passed again in run 4/);
    expect(readdirSync(temp)).toEqual([]);
    expect(processesOf(temp)).toEqual([]);
  },
);

test.skipIf(!ready)(
  "without bubblewrap it says plainly that the sample runs unjailed",
  { timeout: 120_000 },
  async () => {
    const temp = temporary();
    const programs = temporary();
    for (const name of ["git", "node", "sh"])
      symlinkSync(name === "node" ? process.execPath : found(name), join(programs, name));
    const demo = start([], { PATH: programs, TMPDIR: temp });
    expect([await demo.ended, demo.said()]).toEqual([0, expect.stringContaining("All of it holds.")]);
    expect(demo.said()).toMatch(/sandboxes +NONE\. The sample runs unjailed/);
    expect(readdirSync(temp)).toEqual([]);
    expect(processesOf(temp)).toEqual([]);
  },
);

const found = (program: string): string =>
  path
    .split(":")
    .flatMap((directory) => (readdirOf(directory).includes(program) ? [join(directory, program)] : []))[0] ?? program;

function readdirOf(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    // A PATH may name what is not there.
    return [];
  }
}

test.skipIf(!ready)("--open goes on until it is interrupted, and answers meanwhile", { timeout: 120_000 }, async () => {
  const temp = temporary();
  const demo = start(["--open"], { PATH: path, TMPDIR: temp });
  const address = /issue +(http:\/\/github\.localhost:\d+)(\/acme\/basket\/issues\/1)/;
  await until(() => address.test(demo.said()) && demo.said().includes("/parhelia help"), demo);
  const [, origin = "", page = ""] = address.exec(demo.said()) ?? [];
  const local = origin.replace("github.localhost", "127.0.0.1");
  const form = new URLSearchParams({ as: "dana", body: "/parhelia help" });
  await fetch(local + page, { method: "POST", body: form, redirect: "manual" });
  await until(async () => (await (await fetch(local + page)).text()).includes("What you can ask"), demo);
  demo.interrupt();
  expect(await demo.ended).toBe(0);
  expect(readdirSync(temp)).toEqual([]);
  expect(processesOf(temp)).toEqual([]);
});

test.skipIf(!ready)("interrupted at work it leaves no process and no file", { timeout: 120_000 }, async () => {
  const temp = temporary();
  const demo = start([], { PATH: path, TMPDIR: temp });
  await until(() => /Working/.test(demo.said()), demo);
  demo.interrupt();
  expect(await demo.ended).toBe(1);
  expect(demo.said()).toMatch(/Stopped\.\n +✓ the service ended by itself/);
  expect(readdirSync(temp)).toEqual([]);
  expect(processesOf(temp)).toEqual([]);
});

test.skipIf(!ready)("where nobody reads any more it ends, and leaves nothing", { timeout: 120_000 }, async () => {
  const temp = temporary();
  const demo = start([], { PATH: path, TMPDIR: temp });
  await until(() => /Working/.test(demo.said()), demo);
  demo.stopReading();
  expect(await demo.ended).toBe(1);
  expect(readdirSync(temp)).toEqual([]);
  expect(processesOf(temp)).toEqual([]);
});

test.each(["--opne", "--sandbox=cloud"])("an option that is none is answered with the usage: %s", async (option) => {
  const demo = start([option], { PATH: path, TMPDIR: temporary() });
  expect(await demo.ended).toBe(2);
  expect(demo.said()).toContain("--open");
});

/** Resolves when it is so; throws where the demonstration ends before. */
async function until(isSo: () => boolean | Promise<boolean>, demo: Running): Promise<void> {
  let hasEnded = false;
  void demo.ended.then(() => (hasEnded = true));
  const look = async (): Promise<boolean> => {
    if (await isSo()) return true;
    if (hasEnded) throw new Error(`It ended too early:\n${demo.said()}`);
    return false;
  };
  await eventually(look, { withinMs: 60_000 });
}
