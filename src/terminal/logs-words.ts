/** How `parhelia logs` is written at a terminal. */
import { eventParts } from "../core/event-parts.ts";
import { TaskId } from "../core/ids.ts";
import { after, dayMs, hourMs, Instant, minuteMs, secondMs } from "../core/instant.ts";
import { visible } from "../core/markdown.ts";
import { nameHint } from "../core/nearest.ts";

export type Whose =
  | { readonly of: "task"; readonly task: TaskId }
  | { readonly of: "app" }
  | { readonly of: "function"; readonly name: string };

export interface LogsAsked {
  readonly kind: "show";
  readonly whose: Whose;
  readonly since: Instant | undefined;
  readonly lines: number;
  readonly follows: "until it ends" | "no";
  readonly as: "words" | "json";
}

export type LogsWords = LogsAsked | { readonly kind: "wrong"; readonly message: string };

const usage = `  parhelia logs --task ID [options]        what became of a task, and what its sandbox told
  parhelia logs --app [options]            what the service and all tasks did
  parhelia logs --function NAME [options]  one part of it: ${eventParts.join(", ")}
  Options: --since 1h or a time, -n 50 for so many lines, -f to go on until it ends or Ctrl-C, --json for a JSON object a line`;

const most = 10_000;
const units: Readonly<Record<string, number>> = { s: secondMs, m: minuteMs, h: hourMs, d: dayMs };

/** The words behind `parhelia logs`. */
export function logsWords(words: readonly string[], now: Instant): LogsWords {
  const wrong = (what: string): LogsWords => ({ kind: "wrong", message: `${what}\n${usage}` });
  const given = new Map<string, string>();
  const rest = words.flatMap((word) => {
    const [, name = "", value = ""] = /^(--[a-z]+)=(.*)$/s.exec(word) ?? [];
    return name === "" ? [word] : [name, value];
  });
  const takesValue = ["--task", "--function", "--since", "-n"];
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? "";
    if (["--app", "-f", "--json"].includes(word)) given.set(word, "");
    else if (!takesValue.includes(word)) return wrong(`\`logs\` does not take ${visible(word)}.`);
    else {
      const value = rest[(at += 1)];
      if (value === undefined) return wrong(`\`${word}\` needs a value.`);
      given.set(word, value);
    }
  }
  const whose = whoseLog(given);
  if (typeof whose === "string") return wrong(whose);
  const since = sinceOf(given.get("--since"), now);
  if (since === "wrong")
    return wrong(`${visible(given.get("--since") ?? "")} is no time: write 90s, 30m, 1h, 2d or 2026-12-01T08:00:00Z.`);
  const lines = Number(given.get("-n") ?? 50);
  if (!Number.isInteger(lines) || lines < 1 || lines > most) return wrong(`\`-n\` takes 1 to ${most} lines.`);
  return {
    kind: "show",
    whose,
    since,
    lines,
    follows: given.has("-f") ? "until it ends" : "no",
    as: given.has("--json") ? "json" : "words",
  };
}

function whoseLog(given: ReadonlyMap<string, string>): Whose | string {
  const named = ["--task", "--app", "--function"].filter((each) => given.has(each));
  if (named.length !== 1) return named.length === 0 ? "Which log?" : `${named.join(" and ")}: one at a time.`;
  const part = given.get("--function");
  if (part !== undefined)
    return eventParts.includes(part)
      ? { of: "function", name: part }
      : `There is no part ${visible(part)}.${nameHint(part, eventParts)}`;
  const task = given.get("--task");
  if (task === undefined) return { of: "app" };
  const id = TaskId.safeParse(task);
  return id.success ? { of: "task", task: id.data } : `${visible(task)} is no id of a task, such as t_7k2m41qz.`;
}

function sinceOf(text: string | undefined, now: Instant): Instant | undefined | "wrong" {
  if (text === undefined) return undefined;
  const [, count = "", unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (unit !== "") return after(now, -Number(count) * (units[unit] ?? 0));
  const at = /^\d{4}-/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? "wrong" : Instant.parse(at);
}
