/** `parhelia volume …`, opened from the configuration. */
import type { Config } from "../config.ts";
import { modalAccount } from "../from-config.ts";
import { systemClock } from "../main.ts";
import { writeNewPieces } from "../store/archive-file.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { progressBar } from "../terminal/move-store.ts";
import { volumeCommand } from "../terminal/volume.ts";
import { volumeWords } from "../terminal/volume-words.ts";
import { forTerminal } from "../terminal/words.ts";

/** `words` are those behind `parhelia volume`. Throws a `Refusal` where it cannot be done. */
export async function volume(words: readonly string[], config: Config): Promise<number> {
  const asked = volumeWords(words);
  if (asked.kind === "wrong") {
    process.stderr.write(`${forTerminal(asked.message)}\n`);
    return exitCodes.misused;
  }
  const { volume: name, image } = config.settings.modal;
  const warn = (_: object, message: string): void => void process.stderr.write(`${message}\n`);
  const screen = { isTerminal: process.stderr.isTTY, write: (text: string) => void process.stderr.write(text) };
  const bar = progressBar(screen, systemClock.now);
  // Loaded where it is needed: it is larger than all the rest.
  const { openModalVolumes } = await import("../sandbox/modal/volume.ts");
  const log = { info: () => undefined, warn, error: warn };
  const volumes = openModalVolumes({ ...modalAccount(config), volume: name, image, log });
  try {
    const outcome = await volumeCommand(asked, {
      volumes,
      volume: name,
      clock: systemClock,
      writeNewFile: writeNewPieces,
      say(text) {
        bar.clear();
        process.stdout.write(`${text}\n`);
      },
      progress: (done, of) => bar.tell({ stage: "copy", done, of }),
    });
    return outcome === "done" ? exitCodes.done : exitCodes.refused;
  } finally {
    bar.clear();
    volumes.close();
  }
}
