/** How the demonstration is asked for. */
import { parseArgs } from "node:util";
import type { Act } from "./act.ts";
import { acts } from "./acts.ts";
import type { BackendName } from "./backend.ts";

export interface Flags {
  readonly sandbox: BackendName;
  /** It goes on until it is interrupted. */
  readonly isOpen: boolean;
  readonly acts: readonly Act[];
}

const rows = [
  ["--sandbox modal", "run the sandboxes on Modal, against a stand-in for it, instead of on this machine"],
  ["--open", "keep everything running afterwards, and print the addresses of the pages"],
  ...acts.map(({ flag, summary }) => [`--${flag}`, summary]),
];

export const usage = `npm run demo [-- [OPTIONS]]

${rows.map(([name = "", what]) => `  ${name.padEnd(17)}${what}`).join("\n")}

With ANTHROPIC_API_KEY in the environment a real model works; else a script answers in its place.
`;

const boolean = { type: "boolean" } as const;
const options = {
  ...Object.fromEntries(acts.map(({ flag }) => [flag, boolean])),
  open: boolean,
  sandbox: { type: "string", default: "local" },
} as const;

/** Undefined where a word is none of them. */
export function flagsOf(words: readonly string[]): Flags | undefined {
  const given = parsed(words);
  const sandbox = given?.sandbox;
  if (given === undefined || (sandbox !== "local" && sandbox !== "modal")) return undefined;
  const asked = new Map<string, unknown>(Object.entries(given));
  const played = acts.filter(({ flag }) => asked.get(flag) === true);
  const needed = played.find(({ on }) => on !== undefined)?.on;
  return { sandbox: needed ?? sandbox, isOpen: given.open === true, acts: played };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch {
    // It says only which word it does not know, and the usage says which ones there are.
    return undefined;
  }
}
