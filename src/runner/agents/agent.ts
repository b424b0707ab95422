/** What the work is to the runner: a program to start, and a reader of what it prints. */
import type { AttemptResult } from "../../core/protocol.ts";
import type { Fact } from "../journal.ts";

export type Agent = {
  argv: string[];
  /** Beside what every program here gets. */
  env: Record<string, string>;
  /** For its standard input: a prompt in an argv would show in every list of processes. */
  input: string;
  /** What one line of its output tells, oldest first; often nothing. */
  read(line: string): Fact[];
  /** Its closing line, or null as long as it gave none. */
  closing(): AttemptResult["agent"];
};

/** A line that is no more than that. */
export const output = (stream: "stdout" | "stderr", message: string): Fact => ({
  type: "output",
  stream,
  level: "info",
  message,
});

/** A command that someone asked for, as it is. */
export const plainCommand = (argv: string[]): Agent => ({
  argv,
  env: {},
  input: "",
  read: (line) => [output("stdout", line)],
  closing: () => null,
});
