/** What `parhelia e2e` looks at on an account, against the stand-in: it has to notice what does not hold, and leave nothing. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { SandboxName } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import { bundleRunner } from "../../src/gateway/runner-bundle.ts";
import { randomIds, systemClock } from "../../src/main.ts";
import { facts, type Level } from "../../src/operator/e2e/facts.ts";
import { e2eWords } from "../../src/operator/e2e.ts";
import { cli, path } from "../e2e/child.ts";
import { openAccount } from "../sandbox/modal-post.ts";
import type { ModalWorld } from "../world/modal/open-modal.ts";
import { needs } from "../world/needs.ts";

// With Modal's client, which reads its configuration file when it is imported.
const { openModalSandboxes } = await import("../../src/sandbox/modal/open-modal-sandboxes.ts");
const { runE2e, steps, longestMs } = await import("../../src/operator/e2e/run.ts");
const { tryAccount } = await import("../../src/operator/scheduled-jobs.ts");
const { reportOf } = await import("../../src/operator/e2e/report.ts");

const ready = needs("bwrap") && needs("git");
const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
let modal: ModalWorld;

beforeAll(async () => {
  modal = await openAccount();
});
afterAll(() => modal.close());
afterEach(async () => {
  await modal.faults.clear();
  for (const { sandboxId } of await modal.living()) await modal.faults.end(sandboxId, { status: 3 });
});

/** Answers at every address of this machine. */
async function place(): Promise<string> {
  const server = createServer((_, answer) => void answer.end());
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
}

interface Changes {
  readonly signal?: AbortSignal;
  readonly now?: () => number;
  readonly tell?: (line: string) => void;
}

async function run(level: Level, { signal, now = Date.now, tell }: Changes = {}) {
  const answering = await place();
  const { tokenId, tokenSecret } = modal;
  const outcome = await runE2e(level, {
    account: { tokenId, tokenSecret, environment: undefined, app: "parhelia", log: silent },
    run: randomIds.task().slice("t_".length),
    claudeCode: "2.1.330",
    runner: bundleRunner(),
    places: { listed: answering, other: answering.replace("127.0.0.1", "127.0.0.2") },
    clock: { now: () => Instant.parse(now()) },
    signal: signal ?? new AbortController().signal,
    tell: tell ?? (() => undefined),
  });
  return { ...outcome, failed: outcome.steps.filter((each) => each.outcome !== "passed") };
}

const old = SandboxName.parse("parhelia-t_oldrun00-1");
const ofService = SandboxName.parse("parhelia-t_service1-1");

/** What is not the run's: of another's app, of the service itself, and of a run before. */
async function others(): Promise<void> {
  await modal.foreign("somebody-else", ["theirs"]);
  const { tokenId, tokenSecret } = modal;
  const account = { tokenId, tokenSecret, environment: undefined, regions: [], log: silent, clock: systemClock };
  const ground = { ...account, network: "none", gateway: "https://gateway.invalid", hosts: [] } as const;
  const spec = { command: ["sleep", "600"], env: {}, resources: { cpu: 1, memoryMiB: 512 }, lifetimeMs: 600_000 };
  for (const [app, name] of [["parhelia", ofService] as const, ["parhelia-e2e", old] as const]) {
    const sandboxes = await openModalSandboxes({ ...ground, app, image: "parhelia:live" });
    await sandboxes.create({ ...spec, name });
    sandboxes.close();
  }
}

const living = async () => (await modal.living()).map(({ name }) => name);

test("every fact of the list is looked at by one step", () => {
  const confirmed = steps.flatMap(({ confirms }) => confirms);
  expect(confirmed.toSorted()).toEqual(Object.keys(facts).toSorted());
});

test.skipIf(!ready)(
  "full: all of it is tried, what does not hold is found, and only what the run made is ended",
  { timeout: 90_000 },
  async () => {
    await others();
    const said: string[] = [];
    const outcome = await run("full", { tell: (line) => said.push(line) });
    // The one thing that the stand-in does not do: it reads a list of hosts, and holds nobody to it.
    expect(outcome.failed).toMatchObject([
      { name: "a network of a list reaches the hosts on it alone", outcome: "failed" },
    ]);
    expect(outcome.failed[0]?.because).toMatch(
      /^http:\/\/127\.0\.0\.2:\d+\/ is not on the list, and gave answered 200/,
    );
    expect([outcome.passed, outcome.swept]).toEqual([false, []]);
    expect(outcome.confirmed.length).toBe(Object.keys(facts).length - 1);
    expect(said.filter((line) => line.startsWith("✓")).length).toBe(steps.length - 1);
    expect(await living()).toEqual(["theirs", ofService, old]);
    expect((await modal.images()).filter(({ published }) => published.join().includes(outcome.run))).toEqual([]);
    const bill = (await modal.bill()).filter(({ app, name }) => app === "parhelia-e2e" && name !== old);
    expect(bill.length).toBeGreaterThan(8);
    const billed = bill.reduce((sum, { usd }) => sum + usd, 0) * 1e6;
    expect(outcome.cost).toBeGreaterThanOrEqual(Math.floor(billed));
    const report = reportOf(outcome);
    const confirmed = report.match(/^- \[x\] .* Confirmed on \d{4}-\d\d-\d\d, run \w{8}\.$/gm);
    expect(confirmed?.length).toBe(outcome.confirmed.length);
    expect(report).toMatch(/^- \[ \] With a list .* \*\*Not confirmed\*\* on /m);
  },
);

test.skipIf(!ready)(
  "what a run left that was killed is ended by one that comes when its time is over",
  { timeout: 60_000 },
  async () => {
    await others();
    const soon = await run("smoke", { now: () => Date.now() + longestMs - 60_000 });
    expect([soon.failed, soon.swept]).toEqual([[], []]);
    const later = await run("smoke", { now: () => Date.now() + longestMs + 60_000 });
    expect([later.failed, later.swept]).toEqual([[], [old]]);
    expect(await living()).toEqual(["theirs", ofService]);
    const beyond = steps.filter(({ level }) => level !== "smoke").flatMap(({ confirms }) => confirms);
    const unlooked = reportOf(later).match(/^- \[ \] .* Not looked at: level (?:core|full)\.$/gm);
    expect(unlooked?.length).toBe(beyond.length);
  },
);

test.skipIf(!ready)("without an image that works the rest is not tried", async () => {
  await modal.faults.failLayer("useradd", "no space left on device");
  const { failed, confirmed } = await run("core");
  expect(failed[0]?.because).toMatch(/^Modal could not build layer 3 of 4/);
  const rest = failed.slice(1).map(({ outcome, because }) => `${outcome}: ${because}`);
  expect(new Set(rest)).toEqual(new Set(["not tried: there is no image that works"]));
  expect(rest.length).toBe(steps.filter(({ level }) => level !== "full").length - 1);
  expect(confirmed).toEqual([]);
});

test.skipIf(!ready)("by the schedule it passes, or fails with the steps that did", { timeout: 60_000 }, async () => {
  expect(await tryAccount(() => run("smoke"))).toMatchObject({
    outcome: "passed",
    level: "smoke",
    words: expect.stringMatching(/^level smoke holds and cost (?:under )?\$0\.\d\d/),
    failing: [],
    log: expect.stringMatching(/^passed: /),
  });
  await modal.faults.failLayer("useradd", "no space left on device");
  const failed = await tryAccount(() => run("smoke"));
  expect(failed).toMatchObject({
    outcome: "failure",
    words: expect.stringMatching(/: Modal could not build layer 3 of 4/),
    failing: [{ job: "e2e", step: expect.stringContaining("image") }],
    log: expect.stringContaining("not tried: "),
  });
});

test.skipIf(!ready)("when its time is up it stops, and ends what it made", { timeout: 60_000 }, async () => {
  const time = new AbortController();
  const tell = (line: string): void => {
    if (line.startsWith("✓ the runner")) time.abort();
  };
  const outcome = await run("core", { signal: time.signal, tell });
  expect(outcome.passed).toBe(false);
  expect(new Set(outcome.failed.map(({ because }) => because))).toEqual(new Set(["the time of the run is up"]));
  expect(await living()).toEqual([]);
});

test("how it is asked for", () => {
  expect(e2eWords([])).toEqual({ kind: "run", level: "core", report: undefined, as: "words" });
  const all = e2eWords(["--level=full", "--report", "r.md", "--json"]);
  expect(all).toEqual({ kind: "run", level: "full", report: "r.md", as: "json" });
  const wrong = [["--level", "smok"], ["--levle", "core"], ["core"]].map((words) => e2eWords(words));
  expect(wrong.map(({ kind }) => kind)).toEqual(["wrong", "wrong", "wrong"]);
  expect(wrong[0]).toMatchObject({ message: expect.stringContaining("There is no level smok. Did you mean") });
});

test.skipIf(!ready)("as an operator or a workflow starts it", { timeout: 60_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), "parhelia-e2e-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const parhelia = async (env: Record<string, string>, ...words: string[]) => {
    const child = spawn(process.execPath, [cli, "e2e", ...words], {
      cwd: root,
      env: { PATH: path, HOME: root, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, out, err };
  };
  const env = modal.environment();
  const done = await parhelia(env, "--level", "smoke", "--report", "report.md");
  expect([done.code, done.err]).toEqual([0, expect.stringContaining("✓ the runner of this checkout boots in it")]);
  expect(done.out).toMatch(/^All of it holds\. Run \w{8}, \d+s\. Its sandboxes cost /);
  expect(done.err).toMatch(/^Level smoke in the Modal app parhelia-e2e: likely .*\$0\.\d+, and 25m at most\.\n/);
  expect(readFileSync(join(root, "report.md"), "utf8")).toContain("The runner of this release is fetched");
  await modal.faults.failLayer("useradd", "no space left on device");
  const failed = await parhelia(env, "--level", "smoke", "--json");
  expect(failed.code).toBe(1);
  const steps = [{ outcome: "failed" }, { outcome: "not tried" }];
  expect(JSON.parse(failed.out)).toMatchObject({ passed: false, steps });
  expect(await parhelia({})).toMatchObject({ code: 2, err: expect.stringContaining("MODAL_TOKEN_ID") });
  const wrong = await parhelia(env, "--level", "all");
  expect(wrong).toMatchObject({ code: 2, err: expect.stringContaining("There is no level all.") });
});
