/** How `parhelia health` and `parhelia doctor` are written, and what they show: each thing with its cure where it is not well. */
import type { Check } from "../core/checkup.ts";
import { healthJson, type Health } from "../core/health.ts";
import { dollars } from "../core/money.ts";
import { onlyJson, type OnlyJson } from "./only-json.ts";

/** The words behind `parhelia health` or `parhelia doctor`. */
export const checkupWords = (name: "health" | "doctor", words: readonly string[]): OnlyJson<"look"> =>
  onlyJson(name, words, "look");

const marks: Readonly<Record<Check["outcome"], string>> = {
  ok: "ok",
  warning: "warning",
  failed: "failed",
  unseen: "–",
};

/** A line for each, and below it what to do. */
export function checkLines(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map((check) => {
      const line = `${marks[check.outcome].padEnd(7)}  ${check.name.padEnd(width)}  ${check.found}`;
      const cure = "cure" in check ? `\n${" ".repeat(9)}${" ".repeat(width)}  To mend it: ${check.cure}` : "";
      return `${line}${cure}`;
    })
    .join("\n");
}

export function healthShown(health: Health, as: "words" | "json"): string {
  if (as === "json") return JSON.stringify(healthJson(health), null, 2);
  const of = health.image === null ? "this machine" : `${health.image.name} (${health.image.id}) on Modal`;
  return [
    checkLines(health.checks),
    "",
    `status: ${health.isOk ? "ok" : "failed"}. Looked at ${of}, for ${dollars(health.cost)}.`,
  ].join("\n");
}
