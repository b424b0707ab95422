/**
 * The end of a log of GitHub Actions as a person wants to read it: without times, colours and marks, up to the last error.
 * What a runner puts out while it tidies up stands behind that and tells nothing.
 */
import { clipBytes, visible } from "./markdown.ts";

const mostBytes = 6000;
const mostLines = 60;

const time = /^\ufeff?\d{4}-\d\d-\d\dT[\d:.]+Z ?/;
const grouping = /^##\[(?:group|endgroup)\]/;
const marked = /^##\[(\w+)\]/;

/** Of a whole log or of its end. The text stays as untrusted as it was. */
export function logEnd(log: string): string {
  const lines = visible(log)
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(time, ""));
  const lastError = lines.findLastIndex((line) => line.startsWith("##[error]"));
  const told = (lastError === -1 ? lines : lines.slice(0, lastError + 1))
    .map((line) => line.replace(grouping, "").replace(marked, "$1: ").trimEnd())
    .slice(-mostLines)
    .join("\n")
    .trim();
  return clipBytes(told, mostBytes, { keep: "end" });
}
