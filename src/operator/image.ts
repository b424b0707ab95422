/** `parhelia image …`, opened from the configuration: the Modal account and the store of the service. */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { z } from "zod";
import { ConfigError, type Config } from "../config.ts";
import { modalAccount, storePlace } from "../from-config.ts";
import { randomIds, systemClock } from "../main.ts";
import { openBeside } from "../store/open-store.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { imageCommand } from "../terminal/image.ts";
import { imageWords } from "../terminal/image-words.ts";

/** `words` are those behind `parhelia image`. Throws a `Refusal` where it cannot be done. */
export async function image(words: readonly string[], config: Config): Promise<number> {
  const asked = imageWords(words);
  if (asked.kind === "wrong") {
    process.stderr.write(`${asked.message}\n`);
    return exitCodes.misused;
  }
  const account = modalAccount(config);
  const { environment, image: published } = config.settings.modal;
  const [name = "", tag = ""] = published.split(":");
  // Loaded where it is needed: it is larger than all the rest.
  const { openModalImages } = await import("../sandbox/modal/images.ts");
  const warn = (_: object, message: string): void => void process.stderr.write(`${message}\n`);
  const images = openModalImages({ ...account, log: { info: () => undefined, warn, error: warn } });
  const store = openBeside(storePlace(config), randomIds.unique());
  try {
    await imageCommand(asked, {
      images,
      store,
      clock: systemClock,
      ids: randomIds,
      live: { name, tag },
      environment,
      claudeCode: pinnedClaudeCode(),
      by: userInfo().username,
      say: (text) => void process.stdout.write(`${text}\n`),
      tell: (line) => void process.stderr.write(`${line}\n`),
    });
    return exitCodes.done;
  } finally {
    images.close();
    await store.close();
  }
}

const Package = z.object({ dependencies: z.object({ "@anthropic-ai/claude-code": z.string() }) });

/** The version that this release of ours was tested with. */
function pinnedClaudeCode(): string {
  const { dependencies } = Package.parse(
    JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")),
  );
  const version = dependencies["@anthropic-ai/claude-code"];
  if (/^\d+\.\d+\.\d+$/.test(version)) return version;
  throw new ConfigError(`package.json asks for Claude Code ${version}: an image needs one version, such as 2.1.330.`);
}
