/** `parhelia store …`, opened from the configuration. Words and progress go to standard error, for an export may go to a pipe. */
import { resolve } from "node:path";
import type { Config } from "../config.ts";
import { storePlace } from "../from-config.ts";
import { systemClock } from "../main.ts";
import { inPieces, writeNewFile } from "../store/archive-file.ts";
import { exportStore, importFile } from "../store/move.ts";
import { openSource, openTarget } from "../store/open-store.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { exportedWords, importedWords, progressBar, storeWords } from "../terminal/move-store.ts";
import { print } from "../terminal/print.ts";
import { forTerminal } from "../terminal/words.ts";

/** The configured store into a file, or a file into the configured store. `words` are those behind `parhelia store`. */
export async function moveStore(words: readonly string[], config: Config): Promise<number> {
  const asked = storeWords(words);
  const said = (text: string): void => void process.stderr.write(`${text}\n`);
  if (asked.kind === "wrong") {
    said(forTerminal(asked.message));
    return exitCodes.misused;
  }
  if (asked.kind === "export" && asked.file === undefined && process.stdout.isTTY) {
    said("An export holds secrets, so it is not shown. Name a file: parhelia store export FILE");
    return exitCodes.misused;
  }
  const screen = { isTerminal: process.stderr.isTTY, write: (text: string) => void process.stderr.write(text) };
  const bar = progressBar(screen, systemClock.now);
  const world = { now: systemClock.now, tell: bar.tell };
  const place = storePlace(config);
  const store = asked.kind === "export" ? openSource(place, systemClock.now) : openTarget(place, systemClock.now);
  try {
    if (asked.kind === "import") {
      const imported = await importFile(store, resolve(asked.file), world);
      bar.clear();
      said(importedWords(store.place, imported));
      return exitCodes.done;
    }
    const file = asked.file === undefined ? undefined : resolve(asked.file);
    const counts = await exportStore(store, world, (lines) =>
      file === undefined ? print(inPieces(lines)) : writeNewFile(file, lines),
    );
    bar.clear();
    said(exportedWords(file ?? "standard output", counts));
    return exitCodes.done;
  } catch (error) {
    bar.clear();
    throw error;
  } finally {
    await store.close();
  }
}
