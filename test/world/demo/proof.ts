/** What has to be true at the end, looked up where it can be seen from outside: in git, in the database, in the reports. */
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { TaskId } from "../../../src/core/ids.ts";
import { dollars, microUsd, type MicroUsd } from "../../../src/core/money.ts";
import type { TaskView } from "../../../src/core/ports/forge.ts";
import { systemClock } from "../../../src/main.ts";
import { readTask } from "../../../src/records/read-task.ts";
import { readView } from "../../../src/records/read-view.ts";
import { openSqliteStore } from "../../../src/store/sqlite/open-sqlite.ts";
import { gitText, tryGit } from "../github/git.ts";
import type { CheckRunView, IssueView, PullView } from "../github/read.ts";
import type { Check } from "./check.ts";
import type { Report } from "./conversation.ts";
import * as sample from "./sample.ts";
import type { Stage } from "./stage.ts";

export type Pull = Omit<IssueView, "pull"> & { readonly pull: PullView };

export interface Outcome {
  readonly pull: Pull;
  readonly checkRun: CheckRunView;
  readonly diff: string;
  readonly view: TaskView;
  readonly checks: readonly Check[];
}

/** Reads only. Throws where there is no pull request, or no check run on it. */
export async function lookAt(stage: Stage, reports: { failed: Report; fixed: Report }): Promise<Outcome> {
  const { github } = stage;
  const pull = github.pulls(sample.repository)[0];
  if (pull === undefined) throw new Error(`There is no pull request. The report says:\n${reports.fixed.body}`);
  const sha = pull.pull.headSha;
  const checkRun = github.checkRuns(sample.repository, sha)[0];
  if (checkRun === undefined) throw new Error(`There is no check run on ${sha}.`);
  const view = await readStored(stage.database, reports.fixed.task);
  const views = [await readStored(stage.database, reports.failed.task), view];
  const bare = await repositoryWith(stage.repositories, sha);
  const checkout = join(stage.directory, "checkout");
  const diff = await gitText(bare, ["diff", "--no-color", `${pull.pull.base}...${sha}`]);
  const failure = `### ❌ Failed: \`${sample.testCommand.join(" ")}\` exited with 1`;
  const checks = [
    {
      holds: reports.failed.body.includes(failure),
      claim: "the first report says that the tests failed",
      found: reports.failed.body,
    },
    ...(await gitChecks(bare, sha)),
    await testCheck(bare, checkout, { before: pull.pull.base, after: sha }),
    await moneyCheck(stage, view, reports.fixed),
    ...(await stage.backend.checks(views)),
    {
      holds: checkRun.status === "completed" && checkRun.conclusion === "success",
      claim: "the check run on that commit says success",
      found: `${checkRun.status}, ${checkRun.conclusion}`,
    },
    {
      holds: github.unknownRequests.length === 0,
      claim: "GitHub was asked for nothing that the stand-in does not know",
      found: github.unknownRequests.join(", "),
    },
  ];
  return { pull, checkRun, diff, view, checks };
}

export async function readStored(path: string, task: string): Promise<TaskView> {
  const store = openSqliteStore({ path });
  try {
    const now = systemClock.now();
    const found = await readTask(store, now, TaskId.parse(task));
    if (found === undefined) throw new Error(`The database has no task ${task}.`);
    return await readView(store, now, found.value);
  } finally {
    await store.close();
  }
}

/** The bare repository that has the commit. */
async function repositoryWith(directory: string, sha: string): Promise<string> {
  for (const name of await readdir(directory)) {
    const bare = join(directory, name);
    if ((await tryGit(bare, ["cat-file", "-e", `${sha}^{commit}`])).code === 0) return bare;
  }
  throw new Error(`No repository has the commit ${sha}.`);
}

async function gitChecks(bare: string, sha: string): Promise<Check[]> {
  const heads = await gitText(bare, ["for-each-ref", "--format=%(refname:short)", "--points-at", sha, "refs/heads"]);
  const fsck = await tryGit(bare, ["fsck", "--full", "--strict", "--no-dangling", "--no-progress"]);
  return [
    {
      holds: heads.startsWith("parhelia/"),
      claim: `the commit ${sha.slice(0, 7)} is the head of ${heads === "" ? "a branch" : heads}`,
      found: heads,
    },
    { holds: fsck.code === 0, claim: "git fsck accepts the repository", found: `${fsck.stderr}${String(fsck.stdout)}` },
  ];
}

async function testCheck(bare: string, checkout: string, at: { before: string; after: string }): Promise<Check> {
  await gitText(bare, ["clone", "--quiet", "--no-checkout", bare, checkout]);
  await gitText(checkout, ["checkout", "--quiet", at.before]);
  const before = await runTests(checkout);
  await gitText(checkout, ["checkout", "--quiet", at.after]);
  const after = await runTests(checkout);
  return {
    holds: before.status !== 0 && after.status === 0,
    claim: `\`${sample.testCommand.join(" ")}\` fails at ${at.before} and passes at ${at.after.slice(0, 7)}, in a checkout outside the sandbox`,
    found: `${before.status} and ${after.status}\n${after.output}`,
  };
}

function runTests(directory: string): Promise<{ status: number | null; output: string }> {
  // A test run inside another one would report to it instead of ending by itself.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--test"], { cwd: directory, env });
  const said: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, output: Buffer.concat(said).toString() }));
  });
}

const hourMs = 3_600_000;

/** Summed up here from what was billed and how long the sandbox lived, not with the service's own sums. */
async function moneyCheck({ model, backend }: Stage, view: TaskView, report: Report): Promise<Check> {
  const { attempt, spent } = view;
  const livedMs = attempt?.createdAt === undefined ? 0 : (attempt.endedAt ?? view.now) - attempt.createdAt;
  const perHour = await backend.microUsdPerHour(view);
  const compute = microUsd(Math.ceil((perHour * livedMs) / hourMs));
  const billed = model === undefined ? view.model : model.bill();
  const sum = microUsd(billed + compute);
  const words = costWords({ billed, compute });
  const whose = model === undefined ? "the gateway metered" : `the model billed for ${model.calls.length} calls`;
  return {
    holds: spent === sum && view.model === billed && report.body.includes(words) && compute > 0,
    claim: `the cost on the report is what ${whose} (${dollars(billed)}) and ${(livedMs / 1000).toFixed(1)} s of sandbox at $${perHour / 1e6}/h (${dollars(compute)})`,
    found: `${spent} µ$ in the ledger, ${billed} + ${compute} µ$ expected; the report should have “${words}”`,
  };
}

const costWords = ({ billed, compute }: { billed: MicroUsd; compute: MicroUsd }): string =>
  `Cost: model ${dollars(billed)}, sandbox ${dollars(compute)}`;
