/** `parhelia deploy`, opened from the configuration. */
import { userInfo } from "node:os";
import type { Config } from "../config.ts";
import { modalAccount, storePlace } from "../from-config.ts";
import { randomIds, systemClock } from "../main.ts";
import { openBeside } from "../store/open-store.ts";
import { deploy as deployIn } from "../terminal/deploy.ts";
import { deployedJson, deployWords, stepLine } from "../terminal/deploy-words.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { forTerminal } from "../terminal/words.ts";
import { lookAtHealth } from "./health.ts";
import { openImageWorld } from "./image-world.ts";

/** `words` are those behind `parhelia deploy`. Throws a `ConfigError` where the account is not in the configuration. */
export async function deploy(words: readonly string[], config: Config): Promise<number> {
  const asked = deployWords(words);
  if (asked.kind === "wrong") {
    process.stderr.write(`${forTerminal(asked.message)}\n`);
    return exitCodes.misused;
  }
  const { app, volume, image, secrets } = config.settings.modal;
  const tell = (line: string): void => void process.stderr.write(`${line}\n`);
  const log = {
    info: () => undefined,
    warn: (_: object, line: string) => tell(line),
    error: (_: object, line: string) => tell(line),
  };
  const account = { ...modalAccount(config), log };
  // Loaded where they are needed: Modal's client is larger than all the rest.
  const [{ openHands }, { openModalVolumes }] = await Promise.all([
    import("../sandbox/modal/by-hand.ts"),
    import("../sandbox/modal/volume.ts"),
  ]);
  const store = openBeside(storePlace(config), randomIds.unique());
  const around = { store, clock: systemClock, ids: randomIds, log, by: userInfo().username, say: tell, tell };
  const images = await openImageWorld(config, around);
  const hands = openHands(account);
  const volumes = openModalVolumes({ ...account, volume, image });
  try {
    const world = {
      app,
      makeApp: () => hands.makeApp(),
      images,
      volume,
      volumes,
      secrets: secrets.map((given) => ({ name: given.slice(given.indexOf(":") + 1), given })),
      hasSecret: (name: string) => hands.hasSecret(name),
      health: () => lookAtHealth(config),
      tell: (step: Parameters<typeof stepLine>[0]) => {
        if (asked.as === "words") process.stdout.write(`${forTerminal(stepLine(step))}\n`);
      },
    };
    const deployed = await deployIn(world, asked.tag);
    if (asked.as === "json") process.stdout.write(`${deployedJson(deployed)}\n`);
    return deployed.isDone ? exitCodes.done : exitCodes.refused;
  } finally {
    for (const each of [images.images, hands, volumes]) each.close();
    await store.close();
  }
}
