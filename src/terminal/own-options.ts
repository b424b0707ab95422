/** `--repo` and `--json` are the terminal's own; all other words are the same as in a comment. */
import { commands } from "../commands/registry.ts";

export interface OwnOptions {
  /** Without the terminal's own. */
  readonly words: readonly string[];
  /** As it was typed; "" for here. */
  readonly repo: string;
  /** The answer is for a program. */
  readonly json: boolean;
}

export function ownOptions(argv: readonly string[]): OwnOptions {
  const end = argv.indexOf("--");
  const words = end === -1 ? [...argv] : argv.slice(0, end);
  const behind = end === -1 ? [] : argv.slice(end);
  const at = words.findIndex((word) => word === "--repo" || word.startsWith("--repo="));
  const repo = at === -1 ? "" : (words.splice(at, words[at] === "--repo" ? 2 : 1).at(-1) ?? "");
  const asJson = words.slice(0, ownUntil(words)).indexOf("--json");
  if (asJson !== -1) words.splice(asJson, 1);
  return { words: [...words, ...behind], repo: repo.replace(/^--repo=?/, ""), json: asJson !== -1 };
}

/** Of a run, and of the estimate of one, `--json` behind its options may be a part of what is asked. */
function ownUntil(words: readonly string[]): number {
  const command = commands.find(({ name }) => name === words[0]);
  if (command?.positional.kind !== "rest") return words.length;
  let at = command.alias === words.slice(0, 2).join(" ") ? 2 : 1;
  for (let word = words[at]; word?.startsWith("--") === true; word = words[at]) {
    const option = command.options.find(({ name }) => word === `--${name}`);
    at += option?.value === undefined ? 1 : 2;
  }
  return at;
}
