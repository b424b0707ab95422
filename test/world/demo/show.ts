/** The words of the demonstration. */
import { dollars, minus } from "../../../src/core/money.ts";
import { visible } from "../../../src/core/markdown.ts";
import { forTerminal } from "../../../src/terminal/words.ts";
import type { Report, Screen } from "./conversation.ts";
import type { Check } from "./check.ts";
import type { Outcome } from "./proof.ts";
import * as sample from "./sample.ts";
import type { Stage } from "./stage.ts";

export interface Paint {
  title(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

/** Colours at a terminal, nothing elsewhere. */
export function paintFor({ isTerminal }: Screen): Paint {
  const colour = (code: number) => (text: string) => (isTerminal ? `\u001b[${code}m${text}\u001b[0m` : text);
  return { title: colour(1), good: colour(32), bad: colour(31) };
}

/** What is real and what is not, before anything happens. */
export function introduction({ backend, model }: Stage, paint: Paint): string {
  const rows = [
    ["real", "the service and its database, Claude Code, git, the tests"],
    ["sandboxes", backend.words],
    ["GitHub", "a stand-in on this machine: API, webhooks, pages, and git over HTTP"],
    model === undefined
      ? ["model", "the real one, paid with your ANTHROPIC_API_KEY"]
      : ["model", "a script that knows the fix, on this machine (set ANTHROPIC_API_KEY for a real model)"],
  ];
  const lines = rows.map(([name = "", what]) => `  ${name.padEnd(11)}${what}`);
  return [paint.title("Parhelia: a comment on an issue becomes a pull request"), "", ...lines, ""].join("\n");
}

export const issueWords = (number: number, paint: Paint): string =>
  `${paint.title(`${sample.repository}#${number}: ${sample.issue.title}`)}\n\n  ${sample.person}: ${forTerminal(sample.issue.body)}\n`;

const indent = (text: string, by: string): string => text.replaceAll(/^/gm, by).replaceAll(/ +$/gm, "");

/** A report as a person reads it: without addresses and small print. */
const readable = (body: string): string =>
  visible(forTerminal(body.replaceAll(/\[([^\]\n]+)\]\([^)\s]+\)/g, "$1").replaceAll(/^<sub>.*$/gm, "")))
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();

export function outcomeWords({ pull, checkRun, diff, view }: Outcome, fixed: Report, paint: Paint): string {
  const { spent, model } = view;
  const coloured = diff
    .split("\n")
    .filter((line) => !line.startsWith("index "))
    .map((line) => {
      if (/^\+(?!\+\+)/.test(line)) return paint.good(line);
      return /^-(?!--)/.test(line) ? paint.bad(line) : line;
    });
  return [
    paint.title("The last comment of Parhelia on the issue"),
    indent(readable(fixed.body), "  │ "),
    paint.title(`Pull request #${pull.number}: ${pull.title}`),
    indent(coloured.join("\n"), "  "),
    `${paint.title(`Check run ${checkRun.name}`)}: ${checkRun.conclusion ?? checkRun.status} · ${checkRun.output?.title ?? ""}`,
    `${paint.title("Cost")}: ${dollars(spent)} (model ${dollars(model)}, sandbox ${dollars(minus(spent, model))})`,
  ].join("\n\n");
}

export const checkLine = ({ holds, claim, found }: Check, paint: Paint): string =>
  holds
    ? `  ${paint.good("✓")} ${claim}`
    : `  ${paint.bad("✗")} ${claim}\n      ${found.trim().replaceAll("\n", "\n      ")}`;

export function addresses({ github }: Stage, issue: number, { pull, checkRun }: Outcome): string {
  const place = `${github.publicUrl}/${sample.repository}`;
  return [
    `  issue         ${place}/issues/${issue}`,
    `  pull request  ${place}/pull/${pull.number}`,
    `  check run     ${place}/runs/${checkRun.id}`,
    "",
    "You can comment there as well; try /parhelia help",
  ].join("\n");
}
