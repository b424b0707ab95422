/** `parhelia image …`, opened from the configuration: the Modal account and the store of the service. */
import { userInfo } from "node:os";
import type { Config } from "../config.ts";
import { storePlace } from "../from-config.ts";
import { randomIds, systemClock } from "../main.ts";
import { openBeside } from "../store/open-store.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { imageCommand } from "../terminal/image.ts";
import { imageWords } from "../terminal/image-words.ts";
import { openImageWorld } from "./image-world.ts";

/** `words` are those behind `parhelia image`. Throws a `Refusal` where it cannot be done. */
export async function image(words: readonly string[], config: Config): Promise<number> {
  const asked = imageWords(words);
  if (asked.kind === "wrong") {
    process.stderr.write(`${asked.message}\n`);
    return exitCodes.misused;
  }
  const warn = (_: object, message: string): void => void process.stderr.write(`${message}\n`);
  const store = openBeside(storePlace(config), randomIds.unique());
  try {
    const world = await openImageWorld(config, {
      store,
      clock: systemClock,
      ids: randomIds,
      log: { info: () => undefined, warn, error: warn },
      by: userInfo().username,
      say: (text) => void process.stdout.write(`${text}\n`),
      tell: (line) => void process.stderr.write(`${line}\n`),
    });
    try {
      await imageCommand(asked, world);
    } finally {
      world.images.close();
    }
    return exitCodes.done;
  } finally {
    await store.close();
  }
}
