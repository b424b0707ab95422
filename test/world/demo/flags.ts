/** How the demonstration is asked for. */
import { acts, type Act } from "./acts.ts";

export interface Flags {
  /** It goes on until it is interrupted. */
  readonly isOpen: boolean;
  readonly acts: readonly Act[];
}

const rows = [
  ["--open", "keep everything running afterwards, and print the addresses of the pages"],
  ...acts.map(({ flag, summary }) => [`--${flag}`, summary]),
];

export const usage = `npm run demo [-- [OPTIONS]]

${rows.map(([name = "", what]) => `  ${name.padEnd(17)}${what}`).join("\n")}

With ANTHROPIC_API_KEY in the environment a real model works; else a script answers in its place.
`;

/** Undefined where a word is none of them. */
export function flagsOf(words: readonly string[]): Flags | undefined {
  const known = new Set(["--open", ...acts.map(({ flag }) => `--${flag}`)]);
  if (words.some((word) => !known.has(word))) return undefined;
  return { isOpen: words.includes("--open"), acts: acts.filter(({ flag }) => words.includes(`--${flag}`)) };
}
