/** The conversation of an issue as it grows, for a terminal (one line that renews itself) or for plain lines. */
import { setTimeout as sleep } from "node:timers/promises";
import { forTerminal } from "../../../src/terminal/words.ts";
import type { Stage } from "./stage.ts";
import * as sample from "./sample.ts";

export interface Screen {
  readonly isTerminal: boolean;
  /** Of a terminal; lines are cut to it. */
  readonly columns: number;
  write(text: string): void;
}

/** How often the stand-in is looked at. */
const lookEveryMs = 50;

/** The hidden first line of a report names its task. */
const marked = /^<!-- parhelia task (t_[a-z0-9]+) -->\n### (.*)$/m;

export interface Report {
  readonly task: string;
  readonly body: string;
  /** The page's address. */
  readonly url: string;
  /** What it said before its end, each once. */
  readonly before: readonly string[];
}

/** The headline of a report begins with one of these when its task is at its end. */
const endMarks = /^(?:✅|❌|🛑|⌛|💰|⚠️)/u;

/** Says it as the person, or puts a label on, shows the answer as it changes, and resolves with the report at its end. Throws after `withinMs`. */
export async function converse(
  { github }: Stage,
  screen: Screen,
  ask: { issue: number; withinMs: number; signal: AbortSignal } & ({ says: string } | { label: string }),
): Promise<Report> {
  const person = github.as(sample.person);
  const started = performance.now();
  const what = "says" in ask ? ask.says : `(puts the label ${ask.label} on)`;
  screen.write(`  ${sample.person}: ${what}\n`);
  if ("says" in ask) person.comment(sample.repository, ask.issue, ask.says);
  const before = github.comments(sample.repository, ask.issue).length;
  if ("label" in ask) person.label(sample.repository, ask.issue, ask.label);
  const bodies = new Set<string>();
  const line = renewing(screen);
  for (;;) {
    const said = github.comments(sample.repository, ask.issue).slice(before);
    for (const { id, body } of said) {
      const [, task, heading] = marked.exec(body) ?? [];
      // An answer that is no report: a refusal.
      if (task === undefined || heading === undefined) throw new Error(`Parhelia answered: ${forTerminal(body)}`);
      line.show(forTerminal(heading));
      bodies.add(body);
      if (!endMarks.test(heading)) continue;
      line.end();
      const earlier = [...bodies].filter((each) => each !== body);
      return {
        task,
        body,
        before: earlier,
        url: `${github.publicUrl}/${sample.repository}/issues/${ask.issue}#issuecomment-${id}`,
      };
    }
    if (performance.now() - started > ask.withinMs)
      throw new Error(`No end within ${ask.withinMs / 1000} s of: ${what}`);
    await sleep(lookEveryMs, undefined, { signal: ask.signal });
  }
}

/** At a terminal the newest takes the place of the one before; elsewhere each is a line. */
function renewing(screen: Screen): { show(text: string): void; end(): void } {
  let shown = "";
  return {
    show(text) {
      if (text === shown) return;
      shown = text;
      const line = `    ${text}`.slice(0, screen.columns - 4);
      screen.write(screen.isTerminal ? `\r${line}\u001b[K` : `${line}\n`);
    },
    end() {
      screen.write(screen.isTerminal ? "\n\n" : "\n");
    },
  };
}
