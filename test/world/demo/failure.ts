/** `--failure`: the weekly rebuild of the image fails three times and then passes. There is one issue of it, and it is closed. */
import { setTimeout as sleep } from "node:timers/promises";
import { forTerminal } from "../../../src/terminal/words.ts";
import type { IssueView } from "../github/read.ts";
import type { Act, Scene } from "./act.ts";
import type { Check } from "./check.ts";
import * as sample from "./sample.ts";

const workflow = { file: "image-rebuild.yml", name: "Weekly image rebuild", event: "schedule" };
const secret = "ghs_7001_thisTokenWasPrintedByMistake0123456789";
const log = `${[
  "##[group]Run npm install --global @anthropic-ai/claude-code",
  `using the token ${secret}`,
  "npm error 404 Not Found - GET https://registry.npmjs.org/@anthropic-ai%2fclaude-code",
  "##[error]Process completed with exit code 1.",
  "Post job cleanup.",
]
  .map((line) => `2026-11-22T06:04:11.1234567Z ${line}`)
  .join("\n")}\n`;
const job = {
  name: "rebuild",
  conclusion: "failure",
  steps: [
    { name: "Check out", conclusion: "success" },
    { name: "Install Claude Code", conclusion: "failure" },
  ],
  log,
};

export const failure: Act = {
  flag: "failure",
  summary: "a rebuild that fails three times and then passes: one issue, which is closed",
  env: {},
  async play(scene) {
    const { github } = scene.stage;
    const sha = (await github.branch(sample.repository, "main")) ?? "";
    const requests = github.requests.length;
    for (const [at, often] of ["failed on", "failed 2 times in a row", "failed 3 times in a row"].entries()) {
      github.workflowRun(sample.repository, { ...workflow, sha, conclusion: "failure", jobs: [job] });
      const issue = await until(scene, ({ body }) => body.includes(often));
      tell(scene, `run ${at + 1} fails`, `#${issue.number} is open: ${statusOf(issue)}`);
    }
    github.workflowRun(sample.repository, { ...workflow, sha, conclusion: "success" });
    const closed = await until(scene, ({ state }) => state === "closed");
    tell(scene, "run 4 passes", `#${closed.number} is closed: ${statusOf(closed)}`);
    scene.screen.write("\n");
    const made = github.requests
      .slice(requests)
      .filter(({ method, path }) => method === "POST" && path === `/repos/${sample.repository}/issues`);
    return [...checksOf(scene, closed), oneRequest(made.length)];
  },
};

const told = ({ stage: { github } }: Scene): IssueView[] =>
  github.issues(sample.repository).filter(({ body }) => body.includes("<!-- parhelia failures image-rebuild.yml -->"));

/** The issue when it is so. Throws after a while. */
async function until(scene: Scene, isSo: (issue: IssueView) => boolean): Promise<IssueView> {
  const started = performance.now();
  for (;;) {
    const found = told(scene).find(isSo);
    if (found !== undefined) return found;
    if (performance.now() - started > scene.withinMs)
      throw new Error("The issue of the failing workflow did not follow it.");
    await sleep(50, undefined, { signal: scene.signal });
  }
}

/** The first paragraph of the description, without addresses. */
const statusOf = ({ body }: IssueView): string => {
  const [, first = ""] = /-->\n(.*)/.exec(body) ?? [];
  return forTerminal(first.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1"));
};

const tell = ({ screen }: Scene, what: string, then: string): void => screen.write(`  ${what}\n    ${then}\n`);

function checksOf(scene: Scene, closed: IssueView): Check[] {
  const { title, labels, body, comments, state } = closed;
  const said = comments.map((each) => each.body);
  return [
    {
      holds: told(scene).length === 1 && state === "closed",
      claim: `three failures and a success of ${workflow.file} are one issue, #${closed.number}, and it is closed`,
      found: told(scene)
        .map((each) => `#${each.number} ${each.state}`)
        .join(", "),
    },
    {
      holds:
        /^🚨 Weekly image rebuild failed - \d{4}-\d\d-\d\d$/.test(title) &&
        labels.join() === "ci-failure,priority-high",
      claim: `it is called “${title}” and labelled ${labels.join(", ")}`,
      found: `${title}: ${labels.join(", ")}`,
    },
    {
      holds: said.length === 1 && said[0]?.includes("(3 failed runs)") === true,
      claim: "its only comment says that it passed again, after 3 failed runs",
      found: said.join("\n"),
    },
    {
      holds: body.includes("npm error 404") && body.includes("Install Claude Code") && !body.includes(secret),
      claim: "it names the step that failed and how the log ends, without the token that the log holds",
      found: body,
    },
  ];
}

const oneRequest = (made: number): Check => ({
  holds: made === 1,
  claim: "GitHub was asked once to make an issue",
  found: `${made} times`,
});
