import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { claudeCode, readClaude } from "../../src/runner/agents/claude-code.ts";
import { attemptToken } from "../world/gateway-stand-in.ts";
import { needs } from "../world/needs.ts";
import { makeRepository } from "./repository.ts";
import { startSandbox, throughGateway } from "./sandbox.ts";

// One test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const fixture = (name: string): string => join(import.meta.dirname, "../fixtures/claude", `${name}.jsonl`);

/** Reads a recorded run of the agent. */
function readRun(name: string) {
  const claude = readClaude();
  const facts = readFileSync(fixture(name), "utf8")
    .split("\n")
    .flatMap((line) => claude.read(line));
  return { facts, closing: claude.closing() };
}

test("a run's text, tools and claim become events, and its last line the result", () => {
  const { facts, closing } = readRun("success");
  const text = 'final: saw 2 user msgs, 1 tool results; prompts=["DO:TOOL please"]';
  expect(facts).toEqual([
    { type: "agent_text", level: "info", message: "I will run a command." },
    { type: "agent_tool", level: "info", tool: "Bash", message: "echo hello-from-bash; pwd; id -u" },
    { type: "agent_text", level: "info", message: text },
    {
      type: "agent_claim",
      level: "info",
      message: "The agent claims 2 turns and $0.0121",
      claimedMicroUsd: 12_120,
      turns: 2,
    },
  ]);
  expect(closing).toEqual({ isError: false, subtype: "success", apiErrorStatus: null, text, turns: 2 });
});

test("case 16: usage repeated on every block adds nothing; the claim is the result line's", () => {
  const { facts } = readRun("repeated-usage");
  expect(facts.map(({ type }) => type)).toEqual(["agent_text", "agent_tool", "agent_text", "agent_claim"]);
  expect(facts.at(-1)).toMatchObject({ claimedMicroUsd: 13_250, turns: 2 });
  expect(JSON.stringify(facts)).not.toMatch(/input_tokens|usage/);
});

test("case 16: a run without a result line claims nothing", () => {
  const claude = readClaude();
  const lines = readFileSync(fixture("repeated-usage"), "utf8").trim().split("\n").slice(0, -1);
  expect(lines.flatMap((line) => claude.read(line)).filter(({ type }) => type === "agent_claim")).toEqual([]);
  expect(claude.closing()).toBeNull();
});

test.each([
  ["e401", { isError: true, subtype: "success", apiErrorStatus: 401, text: "Invalid API key · Fix external API key" }],
  ["maxturns", { isError: true, subtype: "error_max_turns", text: "Reached maximum number of turns (3)", turns: 4 }],
  ["budget", { isError: true, subtype: "error_max_budget_usd", apiErrorStatus: null, turns: 5 }],
  ["badresume", { isError: true, subtype: "error_during_execution", apiErrorStatus: null, turns: 0 }],
  ["sig-SIGINT", { isError: true, subtype: "error_during_execution", turns: 3 }],
  ["e429once", { isError: false, subtype: "success" }],
])("the closing line of %s", (name, closing) => {
  expect(readRun(name).closing).toMatchObject(closing);
});

test("a helper of the agent's own is heard at level debug", () => {
  const line = { type: "assistant", parent_tool_use_id: "t1", message: { content: [{ type: "text", text: "hi" }] } };
  expect(readClaude().read(JSON.stringify(line))).toEqual([{ type: "agent_text", level: "debug", message: "hi" }]);
  expect(readRun("subagent").facts.filter(({ type }) => type === "agent_tool")).toMatchObject([
    { tool: "Agent", message: "sub", level: "info" },
  ]);
});

test("a list of things to do is a plan", () => {
  expect(readRun("plan").facts).toEqual([
    {
      type: "agent_plan",
      level: "info",
      message: "1 of 3 steps are done",
      steps: [
        { text: "Read the code", state: "done" },
        { text: "Fix it", state: "now" },
        { text: "Test it", state: "todo" },
      ],
    },
  ]);
});

test("whatever else is printed is output, and broken lines do no harm", () => {
  const claude = readClaude();
  const broken = [
    "oops",
    "{",
    "null",
    "[]",
    '{"type":7}',
    '{"type":"assistant"}',
    '{"type":"assistant","message":[]}',
    "",
  ];
  expect(broken.flatMap((line) => claude.read(line)).map(({ message }) => message)).toEqual(broken.slice(0, 5));
  claude.read(
    '{"type":"result","is_error":"yes","num_turns":-1.5,"total_cost_usd":"x","api_error_status":4.5,"errors":{}}',
  );
  expect(claude.closing()).toEqual({ isError: false, subtype: "", apiErrorStatus: null, text: "", turns: 0 });
});

test("the command line leaves the checkout's settings out and the prompt off", () => {
  const bridge = "http://127.0.0.1:7";
  const given = { binary: "/bin/claude", model: "m-1", prompt: "--help; $(id)", repositorySettings: false, bridge };
  const start = claudeCode(given);
  const always =
    "/bin/claude -p --output-format stream-json --verbose --dangerously-skip-permissions --setting-sources";
  expect(start.argv.join(" ")).toBe(`${always} user --strict-mcp-config --model m-1`);
  expect(start.input).toBe("--help; $(id)");
  expect(start.env).toMatchObject({ IS_SANDBOX: "1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" });
  expect(claudeCode({ ...given, model: null }).argv).not.toContain("--model");
  const open = claudeCode({ ...given, repositorySettings: true }).argv;
  expect(open.join(" ")).toMatch(/ user,project --settings \{.*\} --model m-1$/);
  expect(JSON.parse(open[open.indexOf("--settings") + 1] ?? "")).toMatchObject({
    env: { ANTHROPIC_BASE_URL: bridge, NO_PROXY: "127.0.0.1,localhost", CLAUDE_CODE_USE_BEDROCK: "" },
    apiKeyHelper: "",
  });
});

/** Stands for the agent: prints a recorded run, and what it was started with to its standard error. */
const standIn = (name: string): string => `#!/usr/bin/env node
const { readFileSync } = require("node:fs");
const { argv, env } = process;
console.error(JSON.stringify({ argv: argv.slice(2), prompt: readFileSync(0, "utf8"), env, cwd: process.cwd() }));
process.stdout.write(readFileSync(${JSON.stringify(fixture(name))}));
process.exitCode = 1;
`;

test.skipIf(!needs("git"))("an agent's run from job to result", async () => {
  using repository = makeRepository({ "a.txt": "a\n" });
  const directory = mkdtempSync(join(tmpdir(), "agent-"));
  const claude = join(directory, "claude");
  writeFileSync(claude, standIn("e401"), { mode: 0o755 });
  const prompt = `Fix it.\n"quotes" $HOME \`id\` ${"日本 ".repeat(50_000)}`;
  using sandbox = await startSandbox({
    work: { kind: "agent", agent: "claude-code", model: null, prompt, repositorySettings: false },
    env: { PARHELIA_AGENT_CLAUDE: claude },
    ...throughGateway(repository),
  });
  const result = await sandbox.finish();
  rmSync(directory, { recursive: true });
  expect(result).toMatchObject({
    ended: "exited",
    exitCode: 1,
    agent: { isError: true, apiErrorStatus: 401, text: "Invalid API key · Fix external API key" },
  });
  const types = sandbox.gateway.events.map(({ type }) => type);
  expect(types).toContain("agent_claim");
  const started = sandbox.gateway.events.find((event) => event.type === "output" && event.stream === "stderr");
  expect(started?.message).toContain('"prompt":"Fix it.\\n\\"quotes\\" $HOME `id` 日本');
  expect(started?.message).toMatch(/\[cut: \d+ more bytes\]$/);
  expect(sandbox.gateway.events).toContainEqual(
    expect.objectContaining({ type: "agent_text", message: "Invalid API key · Fix external API key" }),
  );
  expect(JSON.stringify([result, sandbox.gateway.events])).not.toContain(attemptToken);
});
