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

/** What is ours, on a base that anybody may have made: another distribution, without Node.js, with users of its own. */
export function ownLayersOf(own: string, claudeCode: string): Layer[] {
  const retry = "Then run the task again: layers that were built are kept.";
  const packages = "ca-certificates git";
  const installs = [
    `if command -v apt-get; then apt-get update && apt-get install --yes --no-install-recommends ${packages} libstdc++6 && rm -rf /var/lib/apt/lists/*`,
    ...["dnf", "microdnf"].map(
      (tool) => `elif command -v ${tool}; then ${tool} install -y ${packages} libstdc++ shadow-utils`,
    ),
    "else echo 'The base has neither apt-get nor dnf.'; exit 1; fi",
  ].join("; ");
  return [
    {
      name: `the base ${own}`,
      commands: [],
      cure: `Look whether everybody can have it (docker pull ${own}), and mend \`sandbox.image\`. ${retry}`,
    },
    {
      name: "git and certificates",
      // An entry point of its own need not run what it is given.
      commands: ["USER root", "ENTRYPOINT []", `RUN ${installs}`],
      cure: `The base has to be of Debian, Ubuntu or Red Hat's kind, with apt-get, dnf or microdnf; Alpine is not. Choose another one in \`sandbox.image\`. ${retry}`,
    },
    {
      name: "Node.js",
      commands: [
        `COPY --from=${base} /usr/local/bin/node /usr/local/bin/node`,
        `COPY --from=${base} /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm`,
        "RUN ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && node --version",
      ],
      cure: `Node.js needs glibc 2.28 or newer: Debian 10, Ubuntu 20.04, Red Hat 8, or what came after them. Choose another base in \`sandbox.image\`. ${retry}`,
    },
    {
      name: "the user agent and /workspace",
      commands: [
        "RUN id -u 1500 || useradd --create-home --uid 1500 --shell /bin/bash agent; id -u 1500 && mkdir -p /workspace",
      ],
      cure: `The base has to have useradd, and no other user named agent. Choose another one in \`sandbox.image\`. ${retry}`,
    },
    {
      name: `Claude Code ${claudeCode}`,
      commands: [
        `RUN npm install --global --no-fund --no-audit @anthropic-ai/claude-code@${claudeCode} && claude --version && git --version`,
      ],
      cure: `npm's registry may be away. ${retry}`,
    },
  ];
}
