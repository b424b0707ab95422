/** `parhelia logs`, opened from the configuration: the service's store is read, whether the service runs or not. */
import type { Config } from "../config.ts";
import { storePlace } from "../from-config.ts";
import { randomIds, systemClock } from "../main.ts";
import { openBeside } from "../store/open-store.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { showLogs } from "../terminal/logs.ts";
import { logsWords } from "../terminal/logs-words.ts";
import { forTerminal } from "../terminal/words.ts";

/** `words` are those behind `parhelia logs`. Throws a `Refusal` for a task that is not there. */
export async function logs(words: readonly string[], config: Config): Promise<number> {
  const asked = logsWords(words, systemClock.now());
  if (asked.kind === "wrong") {
    process.stderr.write(`${forTerminal(asked.message)}\n`);
    return exitCodes.misused;
  }
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  // Nobody reads any more (`| head`).
  process.stdout.on("error", end);
  const store = openBeside(storePlace(config), randomIds.unique());
  try {
    const say = (line: string): void => void process.stdout.write(`${line}\n`);
    await showLogs(asked, { store, clock: systemClock, stop: stop.signal, say });
    return exitCodes.done;
  } finally {
    await store.close();
  }
}
