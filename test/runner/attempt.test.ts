/** A whole attempt: the bundled runner in a process of its own, from the job to the acknowledged result. */
import { readFileSync } from "node:fs";
import { expect, test, vi } from "vitest";
import type { RunnerEvent } from "../../src/core/protocol.ts";
import { attemptToken, repositoryPassword, type Asked, type Fault } from "../world/gateway-stand-in.ts";
import { needs } from "../world/needs.ts";
import { gitIn, makeRepository, openGitHost } from "./repository.ts";
import { runScript, shell, startSandbox, throughGateway } from "./sandbox.ts";

const hasGit = needs("git");

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const phasesOf = (events: RunnerEvent[]): string[] =>
  events.flatMap((event) => (event.type === "phase" ? [event.phase] : []));

const printed = (text: string) => (event: RunnerEvent) => event.type === "output" && event.message.includes(text);

/** State letter of the process, or undefined when it is gone; a zombie is gone. */
function stateOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const state = stat.slice(stat.lastIndexOf(")") + 2).charAt(0);
    return state === "Z" ? undefined : state;
  } catch {
    return undefined;
  }
}

test.skipIf(!hasGit)("a command runs from job to result", async () => {
  using repository = makeRepository({ "a.txt": "one\n" });
  using sandbox = await startSandbox({
    work: shell("echo two >> a.txt; echo out; echo err >&2; exit 3"),
    ...throughGateway(repository),
  });
  const result = await sandbox.finish();
  expect(result).toMatchObject({ ended: "exited", exitCode: 3, signal: null, agent: null, changedFiles: 1, left: [] });
  expect(result.tail.split("\n").toSorted()).toEqual(["", "err", "out"]);
  expect(sandbox.gateway.events[0]?.type).toBe("runner_started");
  expect(phasesOf(sandbox.gateway.events)).toEqual(["fetch", "checkout", "work", "collect", "push"]);
  expect([...sandbox.gateway.changes()]).toEqual([["a.txt", { mode: "100644", content: Buffer.from("one\ntwo\n") }]]);
});

test.skipIf(!hasGit)("an argv goes through no shell", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({
    work: { kind: "command", argv: ["printf", "%s\\n", "$HOME; `id` && *"] },
    ...throughGateway(repository),
  });
  expect((await sandbox.finish()).tail).toBe("$HOME; `id` && *\n");
});

test.skipIf(!hasGit)("the token is in no child's environment, and the ways out are", async () => {
  using repository = makeRepository({});
  const { result } = await runScript(repository, "env");
  expect(result.exitCode).toBe(0);
  expect(result.tail).not.toContain(attemptToken);
  const names = result.tail.split("\n").map((line) => line.split("=")[0]);
  expect(names).toEqual(
    expect.arrayContaining(["ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "NO_PROXY", "PATH", "HOME"]),
  );
  expect(names.filter((name) => name?.startsWith("PARHELIA_"))).toEqual(["PARHELIA_WORK_OF"]);
});

test.skipIf(!hasGit)(
  "a private repository is fetched with a token asked for on demand, also when the host does not know it at first",
  async () => {
    using repository = makeRepository({ "a.txt": "one\n" });
    using host = await openGitHost(repository, 2);
    const agentFetches =
      "git fetch --quiet origin && git log -1 --format=%s && grep -r repository-token .git $HOME; env";
    using sandbox = await startSandbox({
      work: shell(agentFetches),
      source: { url: host.url, sha: repository.sha, ref: "refs/heads/main" },
    });
    const result = await sandbox.finish();
    expect(host.refusedTimes()).toBe(2);
    expect(result.tail).toMatch(/^base\n/);
    expect(result.tail).not.toContain(repositoryPassword);
  },
);

test.skipIf(!hasGit)("a commit that is no branch's head is fetched", async () => {
  using repository = makeRepository({ "a.txt": "one\n" });
  gitIn(repository.directory, "commit", "--quiet", "--allow-empty", "--message=later");
  expect((await runScript(repository, "git log --format=%s")).result.tail).toBe("base\n");
});

test.skipIf(!hasGit)("cancel ends the work and keeps what it did", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({
    work: shell("echo half > half.txt; echo ready; sleep 1000 & wait"),
    ...throughGateway(repository),
  });
  await sandbox.gateway.seen(printed("ready"));
  sandbox.gateway.cancel();
  const result = await sandbox.finish();
  expect(result).toMatchObject({ ended: "cancelled", exitCode: null, signal: "SIGTERM", changedFiles: 1 });
});

test.skipIf(!hasGit)("cancel during the fetch ends it", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({
    work: shell("echo never"),
    ...throughGateway(repository),
    before: ({ control }) => {
      control.fault = ({ path }) => (path.startsWith("/gateway/git/") ? { status: 503 } : undefined);
    },
  });
  await sandbox.gateway.seen((event) => event.type === "phase" && event.phase === "fetch");
  sandbox.gateway.cancel();
  expect(await sandbox.finish()).toMatchObject({ ended: "cancelled", exitCode: null, parts: 0 });
});

test.skipIf(!hasGit)("the work's time is measured by the runner", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({ work: shell("exec sleep 1000"), timeoutMs: 100, ...throughGateway(repository) });
  expect(await sandbox.finish()).toMatchObject({ ended: "timed-out", exitCode: null, signal: "SIGTERM" });
});

test.skipIf(!hasGit)("a program that is not there is a result, not a fault", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({
    work: { kind: "command", argv: ["/no/such/program"] },
    ...throughGateway(repository),
  });
  const result = await sandbox.finish();
  expect(result).toMatchObject({ ended: "could-not-start", exitCode: null, changedFiles: 0 });
  expect(result.because).toBe("The command could not be started: spawn /no/such/program ENOENT.");
});

test.skipIf(!hasGit)("what the work leaves running is ended before its files are read", async () => {
  using repository = makeRepository({});
  const { result } = await runScript(repository, "setsid sh -c 'echo $$; exec sleep 1000' & sleep 0.2");
  const pid = Number.parseInt(result.tail, 10);
  expect(pid).toBeGreaterThan(1);
  expect(stateOf(pid)).toBeUndefined();
});

/** Each way of asking the gateway fails in these ways, in turn, and then works. */
function failingOnceEach(faults: Fault[]): (asked: Asked) => Fault | undefined {
  const times = new Map<string, number>();
  return ({ method, path }) => {
    const key = `${method} ${path.replace(/[?\d].*$/, "")}`;
    const at = times.get(key) ?? 0;
    times.set(key, at + 1);
    return path.startsWith("/gateway/git") ? undefined : faults[at];
  };
}

test.skipIf(!hasGit)("a service that goes away and comes back gets everything once", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({
    work: shell("seq 1 500; echo x > x"),
    ...throughGateway(repository),
    before: ({ control }) => {
      control.fault = failingOnceEach([{ status: 503 }, { cut: "after" }]);
    },
  });
  const result = await sandbox.finish();
  expect(result).toMatchObject({ ended: "exited", exitCode: 0, parts: 1, changedFiles: 1 });
  const { events, parts } = sandbox.gateway;
  expect(events.map(({ n }) => n)).toEqual(events.map((_, at) => at + 1));
  const lines = events.flatMap((event) => (event.type === "output" ? [event.message] : []));
  expect(lines).toEqual(Array.from({ length: 500 }, (_, at) => `${at + 1}`));
  expect([...parts.keys()]).toEqual([1]);
});

test.skipIf(!hasGit)("an attempt that the service has ended stops, and says so by its exit code", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({ work: shell("echo pid $$; exec sleep 1000"), ...throughGateway(repository) });
  const { message } = await sandbox.gateway.seen(printed("pid"));
  sandbox.gateway.control.fault = () => ({ status: 410 });
  sandbox.gateway.cancel();
  expect((await sandbox.ended).exitCode).toBe(1);
  expect(stateOf(Number(message.slice(4)))).toBeUndefined();
});

test.skipIf(!hasGit)("SIGTERM to the runner ends the work too", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({ work: shell("echo pid $$; exec sleep 1000"), ...throughGateway(repository) });
  const { message } = await sandbox.gateway.seen(printed("pid"));
  sandbox.kill("SIGTERM");
  expect((await sandbox.ended).exitCode).toBe(1);
  expect(stateOf(Number(message.slice(4)))).toBeUndefined();
});

test.skipIf(!hasGit)("parts that the service refuses for good leave a result without changes", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({
    work: shell("echo x > x"),
    ...throughGateway(repository),
    before: ({ control }) => {
      control.fault = ({ method }) => (method === "PUT" ? { status: 413, body: "too large" } : undefined);
    },
  });
  expect(await sandbox.finish()).toMatchObject({
    ended: "exited",
    exitCode: 0,
    parts: 0,
    changedFiles: 0,
    because: "its changes could not be handed over: the service answered 413 too large",
    left: [],
  });
});

test.skipIf(!hasGit)("a flood of output is bounded and counted, and its end is kept", async () => {
  using repository = makeRepository({});
  using sandbox = await startSandbox({
    work: shell("head -c 3000000 /dev/zero | tr '\\0' x; echo; seq 1 100000"),
    ...throughGateway(repository),
  });
  const { tail } = await sandbox.finish();
  expect(tail).toMatch(/\n99999\n100000\n$/);
  expect(tail.length).toBeLessThanOrEqual(8192);
  const cuts = sandbox.gateway.events.filter(({ type }) => type === "output_cut");
  expect(cuts[0]).toMatchObject({ level: "warning", bytes: 3_000_000 });
  const leftOut = cuts.slice(1).reduce((sum, { message }) => sum + Number.parseInt(message, 10), 0);
  const carried = sandbox.gateway.events.filter(({ type }) => type === "output").length;
  expect(carried + leftOut).toBe(100_000);
  expect(leftOut).toBeGreaterThan(0);
});
