/** `--repo` and `--json` are the terminal's own; all other words are the same as in a comment. */

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
  // Of a run it may be a part of what is asked.
  const asJson = words[0] === "run" ? -1 : words.indexOf("--json");
  if (asJson !== -1) words.splice(asJson, 1);
  return { words: [...words, ...behind], repo: repo.replace(/^--repo=?/, ""), json: asJson !== -1 };
}
