/** What is sent to the stand-in GitHub, and what it answers and tells, is what GitHub's published descriptions say. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Recorded, RecordedExchange } from "../world/github/recording.ts";
import { needs } from "../world/needs.ts";
import { deviations } from "./conformance-deviations.ts";
import { installDescriptions } from "./conformance-packages.ts";
import { findings, judge, readRecording } from "./conformance.ts";

const root = join(import.meta.dirname, "../..");
/** The tests that drive the stand-in. */
const driving = ["test/engine", "test/github", "test/world", "test/e2e/demo.test.ts", "test/e2e/main-job.test.ts"];

const packages = needs("git") ? installDescriptions() : undefined;

/** Runs the tests in a process of their own. Rejects with the end of what they said where one fails. */
async function record(folder: string): Promise<void> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST"));
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--project", "test", ...driving], {
    cwd: root,
    env: { ...Object.fromEntries(inherited), PARHELIA_RECORD_GITHUB: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => said.push(part.toString()));
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the tests that were to be recorded failed:\n${said.join("").slice(-4000)}`);
}

test.skipIf(packages === undefined)("all traffic conforms to GitHub's descriptions", async () => {
  if (packages === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), "parhelia-recording-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await record(folder);
  const { violations, deviationsUnseen, ...figures } = findings(packages, readRecording(folder), deviations);
  const { exchanges, operations, webhooks, webhookKinds, graphqlDocuments } = figures;
  const words = `${exchanges} exchanges of ${operations} operations, ${webhooks} webhooks of ${webhookKinds} kinds`;
  console.log(`conformance: ${words}, ${graphqlDocuments} GraphQL documents, ${violations.length} violations`);
  expect(violations).toEqual([]);
  expect(deviationsUnseen).toEqual([]);
  expect(figures.exchanges).toBeGreaterThan(1000);
  expect(figures.webhooks).toBeGreaterThan(500);
  expect(figures.graphqlDocuments).toBeGreaterThan(10);
});

const exchange = (made: Partial<RecordedExchange>): RecordedExchange => ({
  kind: "exchange",
  method: "POST",
  path: "/repos/acme/widgets/issues/1/comments",
  userAgent: "parhelia",
  requestBody: JSON.stringify({ body: "hello" }),
  status: 403,
  contentType: "application/json",
  body: JSON.stringify({ message: "no" }),
  isFault: false,
  ...made,
});

test.skipIf(packages === undefined)("what differs from the descriptions is found", () => {
  if (packages === undefined) return;
  const judgeOne = judge(packages);
  const wrong = (one: Recorded): string[] => judgeOne(one).violations.map((each) => `${each.about}: ${each.wrong}`);
  const mutation = (query: string, input: unknown) =>
    exchange({
      path: "/graphql",
      status: 200,
      requestBody: JSON.stringify({ query, variables: { input } }),
      body: "{}",
    });
  const query = "mutation ($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { ref { id } } }";

  expect(wrong(exchange({}))).toEqual([]);
  expect(wrong(exchange({ requestBody: "{}" })).join()).toContain("request of POST");
  expect(wrong(exchange({ requestBody: "{}", isFault: true })).join()).toContain("'body'");
  expect(wrong(exchange({ requestBody: "{}", userAgent: "a test" }))).toEqual([]);
  expect(wrong(exchange({ path: `${exchange({}).path}?sort=up` })).join()).toContain("unknown parameter sort");
  expect(wrong(exchange({ path: "/repos/acme/widgets/issues/one/comments" })).join()).toContain("issue_number");
  expect(wrong(exchange({ status: 201, body: JSON.stringify({ id: 1 }) })).join()).toContain("'html_url'");
  expect(wrong(exchange({ status: 418 })).join()).toContain("status 418 is not described");
  expect(wrong(exchange({ path: "/repos/acme/widgets/issue/1" })).join()).toContain("is described nowhere");
  expect(wrong({ kind: "webhook", event: "issues", action: "eaten", payload: "{}" }).join()).toContain("nowhere");
  expect(wrong({ kind: "webhook", event: "issues", action: "opened", payload: "{}" }).join()).toContain("'issue'");
  expect(wrong(mutation(query.replace("ref", "reef"), {})).join()).toContain('Cannot query field "reef"');
  expect(wrong(mutation(query, { branch: {} })).join()).toContain("expectedHeadOid");
});
