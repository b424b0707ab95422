import { expect, test } from "vitest";
import type { Timing } from "../../src/runner/timing.ts";
import { runWork, type Command } from "../../src/runner/work.ts";

const command = (argv: string[], input = ""): Command => ({
  argv,
  input,
  cwd: "/",
  user: {},
  env: { PATH: "/usr/bin:/bin" },
});

function sinks() {
  const out: string[] = [];
  const sink = { line: (text: string) => out.push(text), cut: (_: string, bytes: number) => out.push(`cut ${bytes}`) };
  return { out, sinks: { stdout: sink, stderr: sink } };
}

/** Time that a test lets pass: each pause waits for `pass()`, or for its signal. */
function stepped() {
  const pauses: { ms: number; pass: () => void }[] = [];
  let asked = Promise.withResolvers<void>();
  const timing: Timing = {
    now: () => 0,
    sleep: (ms, until) =>
      new Promise((resolve) => {
        if (until?.aborted === true) return resolve();
        until?.addEventListener("abort", () => resolve());
        pauses.push({ ms, pass: resolve });
        asked.resolve();
        asked = Promise.withResolvers();
      }),
  };
  /** The pause of this length, once it is asked for. */
  const pause = async (ms: number) => {
    for (;;) {
      const found = pauses.find((each) => each.ms === ms);
      if (found !== undefined) return found;
      await asked.promise;
    }
  };
  return { timing, pause };
}

const limits = (timing: Timing, cancel = new AbortController().signal) => ({
  timing,
  timeoutMs: 60_000,
  cancel,
  mark: "PARHELIA_WORK_OF=nobody",
});

test("input goes in, output comes out, the exit code is told", async () => {
  const { out, sinks: lines } = sinks();
  const { timing } = stepped();
  const ended = await runWork(command(["sh", "-c", "cat; exit 7"], "one\ntwo"), lines, limits(timing));
  expect(ended).toEqual({ ended: "exited", exitCode: 7, signal: null, because: "" });
  expect(out).toEqual(["one", "two"]);
});

test("a program that does not read its input is no fault", async () => {
  const { timing } = stepped();
  const ended = await runWork(command(["true"], "x".repeat(1e6)), sinks().sinks, limits(timing));
  expect(ended).toMatchObject({ ended: "exited", exitCode: 0 });
});

test("what ignores SIGTERM gets SIGKILL five seconds later", async () => {
  const { out, sinks: lines } = sinks();
  const { timing, pause } = stepped();
  const cancel = new AbortController();
  const script = "trap 'echo no' TERM; echo ready; while :; do sleep 0.05; done";
  const work = runWork(command(["sh", "-c", script]), lines, limits(timing, cancel.signal));
  const until = async (text: string): Promise<void> => {
    while (!out.includes(text)) await new Promise((resolve) => setImmediate(resolve));
  };
  await until("ready");
  cancel.abort();
  const grace = await pause(5000);
  await until("no");
  grace.pass();
  expect(await work).toEqual({ ended: "cancelled", exitCode: null, signal: "SIGKILL", because: "" });
});

test("the time that the work has ends it", async () => {
  const { timing, pause } = stepped();
  const work = runWork(command(["sleep", "1000"]), sinks().sinks, limits(timing));
  (await pause(60_000)).pass();
  expect(await work).toMatchObject({ ended: "timed-out", exitCode: null, signal: "SIGTERM" });
});

test("a signal that ends the work is told", async () => {
  const { timing } = stepped();
  const ended = await runWork(command(["sh", "-c", "kill -9 $$"]), sinks().sinks, limits(timing));
  expect(ended).toMatchObject({ ended: "exited", exitCode: null, signal: "SIGKILL" });
});

test("a program that is not there, and one that may not be run", async () => {
  const { timing } = stepped();
  for (const argv of [["no-such-program"], ["/etc/passwd"]]) {
    const ended = await runWork(command(argv), sinks().sinks, limits(timing));
    expect(ended).toMatchObject({ ended: "could-not-start", exitCode: null });
    expect(ended.because).toMatch(/^The command could not be started: .+\.$/);
  }
});
