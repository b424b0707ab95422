/**
 * Claude Code: how it is started so that nothing in the checkout configures it, and what its lines of JSON tell.
 * Tokens and cost are taken from the result line alone: the lines before it repeat a message's usage on each block.
 */
import { bounds, type RunnerEvent } from "../../core/protocol.ts";
import type { Fact } from "../journal.ts";
import { get, list, number, parse, text } from "../json.ts";
import { fit } from "../lines.ts";
import { output, type Agent } from "./agent.ts";

type Step = Extract<RunnerEvent, { type: "agent_plan" }>["steps"][number];

/** Limits of the gateway's for what an event may hold. */
const planSteps = 50;
const nameCharacters = 100;
const lineCharacters = 300;

const stepState = (status: unknown): Step["state"] => {
  if (status === "completed") return "done";
  return status === "in_progress" ? "now" : "todo";
};

/** Of a tool's input, the first of these that is there says best what it does. */
const tellingInputs = ["command", "file_path", "notebook_path", "pattern", "url", "query", "description", "prompt"];

const oneLine = (value: string, characters: number): string =>
  value
    // oxlint-disable-next-line no-control-regex -- what a terminal or a log would act on
    .replaceAll(/[\s\u0000-\u001f\u007f]+/g, " ")
    .trim()
    .slice(0, characters)
    .toWellFormed();

function readPlan(input: unknown): Fact {
  const steps = list(get(input, "todos"))
    .slice(0, planSteps)
    .map((todo) => ({
      text: oneLine(text(get(todo, "content")), lineCharacters),
      state: stepState(get(todo, "status")),
    }));
  const done = steps.filter(({ state }) => state === "done").length;
  return { type: "agent_plan", level: "info", message: `${done} of ${steps.length} steps are done`, steps };
}

function readTool(name: string, input: unknown, level: Fact["level"]): Fact {
  const what = tellingInputs.map((key) => text(get(input, key))).find((value) => value !== "") ?? "";
  return {
    type: "agent_tool",
    level,
    tool: oneLine(name, nameCharacters),
    message: oneLine(what, lineCharacters),
  };
}

function readAssistant(line: unknown): Fact[] {
  // A helper of the agent's own speaks below the tool call that started it.
  const isMain = typeof get(line, "parent_tool_use_id") !== "string";
  const level = isMain ? "info" : "debug";
  return list(get(line, "message", "content")).flatMap((block): Fact[] => {
    const said = text(get(block, "text"));
    const name = text(get(block, "name"));
    if (get(block, "type") === "text" && said !== "") return [{ type: "agent_text", level, message: said }];
    if (get(block, "type") !== "tool_use") return [];
    return [
      name === "TodoWrite" && isMain ? readPlan(get(block, "input")) : readTool(name, get(block, "input"), level),
    ];
  });
}

/** The gateway takes no larger claim. */
const mostClaimedUsd = 1e7;

/**
 * What a result line claims beyond the ones before it. The total is that of the whole session: where one was resumed, it
 * holds what earlier runs claimed already, in other attempts.
 */
function newlyClaimedUsd(line: unknown, before: number): number {
  const models = Object.values(get(line, "model_usage_since_last_result") ?? {});
  const sum = models.reduce<number>((all, model) => all + number(get(model, "costUSD")), 0);
  return models.length > 0 ? sum : number(get(line, "total_cost_usd")) - before;
}

/** A reader of one run's standard output. */
export function readClaude(): Pick<Agent, "read" | "closing"> {
  let closing: ReturnType<Agent["closing"]> = null;
  let claimedUsd = 0;

  const readResult = (line: unknown): Fact[] => {
    claimedUsd = Math.min(mostClaimedUsd, Math.max(0, claimedUsd + newlyClaimedUsd(line, claimedUsd)));
    const turns = Math.max(0, Math.round(number(get(line, "num_turns"))));
    const status = get(line, "api_error_status");
    const said = text(get(line, "result")) || list(get(line, "errors")).map(text).join("\n");
    closing = {
      isError: get(line, "is_error") === true,
      subtype: oneLine(text(get(line, "subtype")), nameCharacters),
      apiErrorStatus: Number.isInteger(status) ? number(status) : null,
      text: fit(said, bounds.eventBytes),
      turns,
    };
    const claimedMicroUsd = Math.round(claimedUsd * 1e6);
    const message = `The agent claims ${turns} turns and $${claimedUsd.toFixed(4)}`;
    return [{ type: "agent_claim", level: "info", message, claimedMicroUsd, turns }];
  };

  return {
    read(raw) {
      const line = parse(raw);
      const type = get(line, "type");
      if (type === "assistant") return readAssistant(line);
      if (type === "result") return readResult(line);
      // Not one of its lines: something else wrote to its output.
      return typeof type === "string" || raw === "" ? [] : [output("stdout", raw)];
    },
    closing: () => closing,
  };
}

/** Other makers' services that it can call instead, and a proxy in between, as settings could ask for them. */
const direct = {
  NO_PROXY: "127.0.0.1,localhost",
  no_proxy: "127.0.0.1,localhost",
  CLAUDE_CODE_USE_BEDROCK: "",
  CLAUDE_CODE_USE_VERTEX: "",
  CLAUDE_CODE_USE_FOUNDRY: "",
};

/**
 * `binary` is the path of Claude Code; `model` null leaves the choice to it. Unless the repository's settings are to count,
 * only the user's own do: with the checkout's, its hooks and servers run. Where they do, their `env` and their helper for
 * keys send no call of the model's elsewhere than to `bridge`, as what the flag says goes over them (tried with 2.1.330).
 */
export function claudeCode({ binary, model, prompt, repositorySettings, bridge }: ClaudeStart): Agent {
  const flags = "-p --output-format stream-json --verbose --dangerously-skip-permissions --setting-sources";
  const ours = { env: { ANTHROPIC_BASE_URL: bridge, ...direct }, apiKeyHelper: "" };
  const sources = repositorySettings
    ? ["user,project", "--settings", JSON.stringify(ours)]
    : ["user", "--strict-mcp-config"];
  return {
    argv: [binary, ...flags.split(" "), ...sources, ...(model === null ? [] : ["--model", model])],
    env: {
      // Stands for DISABLE_TELEMETRY, DISABLE_ERROR_REPORTING, DISABLE_AUTOUPDATER and their like.
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      // Without it root is refused `--dangerously-skip-permissions`.
      IS_SANDBOX: "1",
    },
    input: prompt,
    ...readClaude(),
  };
}

export type ClaudeStart = {
  binary: string;
  model: string | null;
  prompt: string;
  repositorySettings: boolean;
  /** Where its calls go. */
  bridge: string;
};
