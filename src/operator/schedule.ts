/** `parhelia schedule`, opened from the configuration: the service's store is read, whether the service runs or not. */
import type { Config } from "../config.ts";
import { storePlace } from "../from-config.ts";
import { randomIds, systemClock } from "../main.ts";
import { readJobs } from "../records/schedule.ts";
import { openBeside } from "../store/open-store.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { scheduleShown, scheduleWords } from "../terminal/schedule.ts";
import { forTerminal } from "../terminal/words.ts";
import { timesOf } from "./scheduled-jobs.ts";

/** `words` are those behind `parhelia schedule`. */
export async function schedule(words: readonly string[], config: Config): Promise<number> {
  const asked = scheduleWords(words);
  if (asked.kind === "wrong") {
    process.stderr.write(`${forTerminal(asked.message)}\n`);
    return exitCodes.misused;
  }
  const store = openBeside(storePlace(config), randomIds.unique());
  try {
    const now = systemClock.now();
    const jobs = timesOf(config);
    const names = jobs.map(({ name }) => name);
    const kept = await readJobs(store, now, names);
    const planned = jobs.map((job) => ({ ...job, record: kept.get(job.name)?.value }));
    process.stdout.write(`${scheduleShown(planned, now, asked.as)}\n`);
    return exitCodes.done;
  } finally {
    await store.close();
  }
}
