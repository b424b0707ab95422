/** What this release of ours pins, by its own package. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { ConfigError } from "../config.ts";

const Package = z.object({ dependencies: z.object({ "@anthropic-ai/claude-code": z.string() }) });

/** The version that this release of ours was tested with. */
export function pinnedClaudeCode(): string {
  const { dependencies } = Package.parse(
    JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")),
  );
  const version = dependencies["@anthropic-ai/claude-code"];
  if (/^\d+\.\d+\.\d+$/.test(version)) return version;
  throw new ConfigError(`package.json asks for Claude Code ${version}: an image needs one version, such as 2.1.330.`);
}
