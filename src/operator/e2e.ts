/** `parhelia e2e`, opened from the configuration: what is promised about Modal, tried on the operator's account. */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Config } from "../config.ts";
import { nameHint } from "../core/nearest.ts";
import { modalAccount, pricesOf } from "../from-config.ts";
import { randomIds, systemClock } from "../main.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { forTerminal } from "../terminal/words.ts";
import { levels, type Level } from "./e2e/facts.ts";

export type E2eWords =
  | { readonly kind: "run"; readonly level: Level; readonly report: string | undefined; readonly as: "words" | "json" }
  | { readonly kind: "wrong"; readonly message: string };

const usage = `  parhelia e2e [--level smoke|core|full] [--report FILE] [--json]
      smoke  our image is built and works, and the runner boots in it
      core   and sandboxes, lifetimes, networks, volumes and secrets are as the service needs them; unless you say
      full   and GPUs
  --report writes what was confirmed, and what was not, to a file`;

const wrong = (what: string): E2eWords => ({ kind: "wrong", message: `${what}\n${usage}` });

/** The words behind `parhelia e2e`. */
export function e2eWords(args: readonly string[]): E2eWords {
  const text = { type: "string" } as const;
  try {
    const options = { level: text, report: text, json: { type: "boolean" } } as const;
    const { level = "core", report, json } = parseArgs({ args: [...args], options }).values;
    const named = levels.find((each) => each === level);
    if (named === undefined) return wrong(`There is no level ${level}.${nameHint(level, levels)}`);
    return { kind: "run", level: named, report, as: json === true ? "json" : "words" };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return wrong(error.message);
  }
}

/** `words` are those behind `parhelia e2e`. What goes on is on standard error. */
export async function e2e(words: readonly string[], config: Config): Promise<number> {
  const tell = (text: string): void => void process.stderr.write(`${forTerminal(text)}\n`);
  const asked = e2eWords(words);
  if (asked.kind === "wrong") {
    tell(asked.message);
    return exitCodes.misused;
  }
  const account = modalAccount(config);
  // Loaded where it is needed: Modal's client is larger than all the rest.
  const [{ e2eOnAccount }, { appOf }, { beforeWords, afterWords, reportOf }] = await Promise.all([
    import("./e2e/on-account.ts"),
    import("./e2e/ground.ts"),
    import("./e2e/report.ts"),
  ]);
  tell(beforeWords(asked.level, appOf(account.app), pricesOf(config)));
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  const warn = (_: object, message: string): void => tell(message);
  const log = { info: () => undefined, warn, error: warn };
  const around = { clock: systemClock, ids: randomIds, log, signal: stop.signal, tell };
  const outcome = await e2eOnAccount(config, asked.level, around);
  if (asked.report !== undefined) writeFileSync(asked.report, reportOf(outcome));
  process.stdout.write(
    `${asked.as === "json" ? JSON.stringify(outcome, null, 2) : forTerminal(afterWords(outcome))}\n`,
  );
  return outcome.passed ? exitCodes.done : exitCodes.refused;
}
