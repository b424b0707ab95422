/** `--label`: a label on an issue becomes a task on a GPU of Modal's, with its price before it starts and the card that ran after. */
import { dollars } from "../../../src/core/money.ts";
import type { Act } from "./act.ts";
import { converse } from "./conversation.ts";
import { readStored } from "./proof.ts";
import * as sample from "./sample.ts";

const name = "parhelia:gpu-a100";
/** As its driver names it. */
const card = "NVIDIA A100-SXM4-40GB (40 GB)";

export const label: Act = {
  flag: "label",
  summary: `the label ${name} on an issue: a task on a GPU, its price before and the card after (on Modal)`,
  on: "modal",
  env: {},
  async play({ stage, screen, paint, withinMs, signal }) {
    const { github, backend, database } = stage;
    const issue = github.as(sample.person).openIssue(sample.repository, sample.issue.title, sample.issue.body);
    const pulls = github.pulls(sample.repository).length;
    const report = await converse(stage, screen, { issue, label: name, withinMs, signal });
    const view = await readStored(database, report.task);
    const price = /^GPU A100 asked for; its sandbox costs (\$\d+\.\d\d) an hour$/m;
    const before = report.before.map((body) => price.exec(body)?.[0]).find((line) => line !== undefined);
    const after = /^.*\bran on .*$/m.exec(report.body)?.[0];
    screen.write(`    ${paint.title("before")} ${before ?? "nothing was said of its price"}\n`);
    screen.write(`    ${paint.title("after ")} ${after ?? "nothing was said of a card"}\n\n`);
    const ran = `GPU A100 asked for, ran on ${card} at `;
    const { labels } = github.issue(sample.repository, issue);
    return [
      {
        holds: view.task.origin.label === name && view.task.spec.resources.gpu === "A100",
        claim: `the label started a task of ${view.task.origin.actor.login} on an A100, with the words of the issue`,
        found: JSON.stringify(view.task.origin),
      },
      { holds: labels.length === 0, claim: "the label was taken off again", found: labels.join(", ") },
      {
        holds: before !== undefined,
        claim: "the report said the price before a sandbox was there",
        found: report.before.join("\n"),
      },
      {
        holds: report.body.includes(ran) && (view.attempt?.ranOn?.cards.length ?? 0) === 1,
        claim: `the report names the card that was read in the sandbox, and the task cost ${dollars(view.spent)}`,
        found: report.body,
      },
      {
        holds: github.pulls(sample.repository).length === pulls + 1,
        claim: "its result is a pull request of its own",
        found: `${github.pulls(sample.repository).length} pull requests`,
      },
      ...(await backend.checks([view])),
    ];
  },
};
