/** The words of `parhelia e2e`, and the file that it leaves: what is confirmed, and what is not. */
import { dayOf } from "../../core/budget.ts";
import type { ComputePrices } from "../../core/compute-prices.ts";
import { elapsed } from "../../core/headline.ts";
import { plainLine, type Markdown } from "../../core/markdown.ts";
import { dollars } from "../../core/money.ts";
import { facts, type Fact, type Level } from "./facts.ts";
import { estimateOf, longestMs, steps, unlookedAt, type E2eOutcome } from "./run.ts";

export const beforeWords = (level: Level, app: string, prices: ComputePrices): string =>
  `Level ${level} in the Modal app ${app}: likely ${dollars(estimateOf(level, prices))}, and ${elapsed(longestMs)} at most.`;

export function afterWords({
  run,
  passed,
  steps: done,
  cost,
  estimate,
  swept,
  startedAt,
  endedAt,
}: E2eOutcome): string {
  const failed = done.filter(({ outcome }) => outcome === "failed").length;
  const untried = done.filter(({ outcome }) => outcome === "not tried").length;
  const result = passed ? "All of it holds." : `${failed} of ${done.length} steps failed, ${untried} were not tried.`;
  return [
    ...(swept.length === 0 ? [] : [`Ended what an earlier run had left: ${swept.join(", ")}`]),
    `${result} Run ${run}, ${elapsed(endedAt - startedAt)}. Its sandboxes cost ${dollars(cost)} by our count (${dollars(estimate)} were likely).`,
  ].join("\n");
}

/** The file: each fact of the list, confirmed with its date or not. */
export function reportOf(outcome: E2eOutcome): Markdown {
  const { level, run, passed, startedAt } = outcome;
  const day = dayOf(startedAt);
  const confirmed = new Set<Fact>(outcome.confirmed);
  const unlooked = new Set<Fact>(unlookedAt(level));
  const lines = Object.entries(facts).map(([fact, words]) => {
    if ([...confirmed].some((each) => each === fact)) return `- [x] ${words} Confirmed on ${day}, run ${run}.`;
    return [...unlooked].some((each) => each === fact)
      ? `- [ ] ${words} Not looked at: level ${levelOf(fact)}.`
      : `- [ ] ${words} **Not confirmed** on ${day}, run ${run}.`;
  });
  return [
    `# Modal, looked at on ${day}: ${passed ? "all of it holds" : "not all of it holds"}`,
    afterWords(outcome).replaceAll("\n", "\n\n"),
    `Level ${level}. What only an account can confirm:`,
    lines.join("\n"),
    "Steps:",
    outcome.steps.map(stepLine).join("\n"),
    "",
  ].join("\n\n");
}

const levelOf = (fact: string): Level =>
  steps.find(({ confirms }) => confirms.some((each) => each === fact))?.level ?? "full";

const stepLine = ({ name, outcome, because, tookMs }: E2eOutcome["steps"][number]): Markdown =>
  `- ${outcome}, ${elapsed(tookMs)}: ${name}${because === "" ? "" : `. ${plainLine(because)}`}`;
