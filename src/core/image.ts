/** Images that sandboxes start from: how their tags read, and what a new one has to show before it may be made live. */
import { z } from "zod";
import type { Instant } from "./instant.ts";

/** guide §9.1: the image of a week, or of a release. */
export const ImageTag = z
  .string()
  .regex(/^(?:weekly-\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|v\d{1,9}\.\d{1,9}\.\d{1,9})$/)
  .brand("ImageTag");
export type ImageTag = z.output<typeof ImageTag>;

/** By the day in UTC. */
export const weeklyTag = (now: Instant): ImageTag =>
  ImageTag.parse(`weekly-${new Date(now).toISOString().slice(0, 10).replaceAll("-", "")}`);

const probes = ["claude", "node", "git", "workspace", "agent"] as const;
export type Probe = (typeof probes)[number];

/** What the command of a probe said, and how it ended. */
export interface Finding {
  readonly exitCode: number;
  readonly output: string;
}

export type Findings = Readonly<Record<Probe, Finding>>;

export const outputsOf = ({ claude, node, git, workspace, agent }: Findings): Record<Probe, string> => ({
  claude: claude.output,
  node: node.output,
  git: git.output,
  workspace: workspace.output,
  agent: agent.output,
});

/** What is wrong with an image by what was found in a sandbox of it, one plain sentence each. `claudeCode` is the version that it is to have. */
export function faultsOf(findings: Findings, claudeCode: string): string[] {
  return probes.flatMap((probe) => {
    const { exitCode, output } = findings[probe];
    const wanted = wants(claudeCode)[probe];
    if (exitCode === 0 && wanted.is(output)) return [];
    const said = output === "" ? "nothing" : JSON.stringify(output.slice(0, 200));
    return [`${wanted.words}, but its check ended with ${exitCode} and said ${said}.`];
  });
}

interface Wanted {
  readonly words: string;
  readonly is: (output: string) => boolean;
}

const wants = (claudeCode: string): Record<Probe, Wanted> => ({
  claude: {
    words: `\`claude --version\` is to say ${claudeCode}`,
    is: (output) => output.split(" ")[0] === claudeCode,
  },
  // What the runner needs.
  node: {
    words: "`node --version` is to say v24 or newer",
    is: (output) => Number(/^v(\d+)\./.exec(output)?.[1]) >= 24,
  },
  git: { words: "`git --version` is to say its version", is: (output) => /^git version \d/.test(output) },
  workspace: { words: "/workspace is to be a directory that can be written to", is: () => true },
  agent: {
    words: "there is to be a user agent that is not root",
    is: (output) => /^[1-9]\d*$/.test(output),
  },
});
