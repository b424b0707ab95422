/** What an image of ours is made of: each layer with its name and with what to do where it cannot be built. */
import type { Recipe } from "../../core/ports/images.ts";

/** Every image of a release of ours begins with the same one. */
export const base = "node:24.21.0-bookworm-slim";

export interface Layer {
  readonly name: string;
  /** As in a Dockerfile, without files from outside; none for the base itself. */
  readonly commands: readonly string[];
  readonly cure: string;
}

const again = "Run the same command again: layers that were built are kept.";

export const layersOf = ({ claudeCode, freshness }: Recipe): Layer[] => [
  {
    name: `the base ${base}`,
    commands: [],
    cure: `Look whether the registry has it (docker pull ${base}). ${again}`,
  },
  {
    name: "git and certificates",
    commands: [
      // Without it Modal would take the packages of the first image for every later one.
      `LABEL parhelia.freshness="${freshness}"`,
      "RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates git && rm -rf /var/lib/apt/lists/*",
    ],
    cure: `Debian's package servers may be away. ${again}`,
  },
  {
    name: "the user agent and /workspace",
    commands: ["RUN useradd --create-home --uid 1500 --shell /bin/bash agent && mkdir -p /workspace"],
    cure: `The base may have such a user already: change the layer in src/sandbox/modal/image-layers.ts.`,
  },
  {
    name: `Claude Code ${claudeCode}`,
    commands: [`RUN npm install --global --no-fund --no-audit @anthropic-ai/claude-code@${claudeCode}`],
    cure: `Look whether npm has this version (npm view @anthropic-ai/claude-code@${claudeCode} version). ${again}`,
  },
];
