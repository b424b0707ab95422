/** Where Claude Code is on this machine: on the PATH, or as the package that this project depends on. */
import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

/** `searched` is a PATH. Undefined where it is in neither place. */
export function findClaude(searched: string): string | undefined {
  const onPath = searched.split(delimiter).map((directory) => join(directory, "claude"));
  const found = [packagedClaude(), ...onPath].find((path) => path !== undefined && existsSync(path));
  return found === undefined ? undefined : realpathSync(found);
}

function packagedClaude(): string | undefined {
  try {
    const name = `@anthropic-ai/claude-code-linux-${process.arch}/package.json`;
    return join(dirname(createRequire(import.meta.url).resolve(name)), "claude");
  } catch {
    // Its program comes for some platforms only; elsewhere the PATH is looked at next.
    return undefined;
  }
}
