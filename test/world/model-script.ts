/**
 * What the stand-in for the model answers. A script is a function of the request alone: it looks at what the
 * conversation holds so far, as a model does, so that retries, resumes and parallel sessions need no special care.
 */
import { posix } from "node:path";

export type Block =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool_use"; readonly name: string; readonly input: Readonly<Record<string, unknown>> };

export type Answer =
  | { readonly do: "say"; readonly blocks: readonly Block[] }
  | { readonly do: "hang" }
  | { readonly do: "refuse"; readonly status: number; readonly type: string; readonly message: string };

export interface ToolRun {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly failed: boolean;
  readonly text: string;
}

/** What a script sees of a request. */
export interface Asked {
  readonly model: string;
  /** Names of the tools that are offered. */
  readonly tools: readonly string[];
  /** Every text of the conversation, the system prompt included. */
  readonly text: string;
  /** Tools that ran, oldest first. */
  readonly runs: readonly ToolRun[];
}

export type Script = (asked: Asked) => Answer;

const text = (words: string): Answer => ({ do: "say", blocks: [{ type: "text", text: words }] });

const use = (name: string, input: Readonly<Record<string, unknown>>): Answer => ({
  do: "say",
  blocks: [
    { type: "text", text: `I use ${name}.` },
    { type: "tool_use", name, input },
  ],
});

/** Answers everything with one text. */
export const say =
  (words: string): Script =>
  () =>
    text(words);

/** Takes the request and never answers. */
export const never = (): Script => () => ({ do: "hang" });

/** Answers everything with an error of the API. */
export const status =
  (code: number, message = "a sentence from the model's API"): Script =>
  () => ({ do: "refuse", status: code, type: code === 529 ? "overloaded_error" : "api_error", message });

export interface Fix {
  /** Absolute, or relative to the directory that the agent says it works in. */
  readonly path: string;
  readonly from: string;
  readonly to: string;
  /** The closing text. */
  readonly summary: string;
  /** A command for the Bash tool, between the edit and the closing text. */
  readonly run?: string;
}

/** A whole session: reads a file, replaces a text in it, runs a command where one is given, and says what was done. */
export const fixFile =
  (fix: Fix): Script =>
  (asked) => {
    // Claude Code also asks for titles and summaries, without tools.
    if (!asked.tools.includes("Edit")) return text("A small fix");
    const failed = asked.runs.find((run) => run.failed);
    if (failed !== undefined) return text(`${failed.name} failed: ${failed.text}`);
    const ran = (name: string): boolean => asked.runs.some((run) => run.name === name);
    const path = posix.resolve(workingDirectory(asked.text), fix.path);
    if (!ran("Read")) return use("Read", { file_path: path });
    if (!ran("Edit")) return use("Edit", { file_path: path, old_string: fix.from, new_string: fix.to });
    if (fix.run !== undefined && !ran("Bash")) return use("Bash", { command: fix.run, description: "Check the fix" });
    return text(fix.summary);
  };

const workingDirectory = (conversation: string): string =>
  /working directory: (\S+)/i.exec(conversation)?.[1] ?? "/workspace";
