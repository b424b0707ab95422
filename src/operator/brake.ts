/** An operator's brake, opened from the configuration: every store and every backend that there may be, each for itself. */
import { existsSync, mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { ConfigError, findRoot, type Config } from "../config.ts";
import type { Store } from "../core/ports/store.ts";
import { modalSettings, storePath, storePlace } from "../from-config.ts";
import { randomIds, systemClock } from "../main.ts";
import { localFromOutside } from "../sandbox/local/end-from-outside.ts";
import { makeHome, sandboxPlaces } from "../sandbox/local/local-places.ts";
import { openRedisStore } from "../store/redis/open-redis.ts";
import { openSqliteStore } from "../store/sqlite/open-sqlite.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { brakeWords, haltAll, liftAll, stopAll, type Brakes, type Outcome, type Part } from "../terminal/stop-all.ts";
import { forTerminal } from "../terminal/words.ts";

const codes: Record<Outcome | "wrong", number> = {
  done: exitCodes.done,
  failed: exitCodes.refused,
  wrong: exitCodes.misused,
};

/** `words` begin with `halt` or `stop`. A configuration that cannot be read is one more part that failed. */
export async function brake(words: readonly string[], directory: string, read: () => Config): Promise<number> {
  const asked = brakeWords(words);
  if (asked.kind === "wrong") return wrong(asked.message);
  const brakes: Brakes = {
    ...partsOf(directory, read),
    by: { id: 0, login: userInfo().username },
    clock: systemClock,
    ids: randomIds,
    say: (line) => void process.stdout.write(`${line}\n`),
  };
  switch (asked.kind) {
    case "halt":
      return codes[await haltAll(brakes, asked.because)];
    case "lift":
      return codes[await liftAll(brakes)];
    case "stop":
      if (!asked.isSure && !process.stdin.isTTY)
        return wrong("Nobody can be asked here. If you are sure: parhelia stop --all --yes");
      if (!asked.isSure && !(await isSure(brakes))) return codes.failed;
      return codes[await stopAll(brakes, asked.because)];
  }
}

function wrong(message: string): number {
  process.stderr.write(`${forTerminal(message)}\n`);
  return codes.wrong;
}

async function isSure({ stores, backends }: Brakes): Promise<boolean> {
  const where = [...stores, ...backends].map(({ name }) => `  ${name}`).join("\n");
  const asking = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await asking.question(
      `This cancels every task and ends every sandbox of\n${where}\nStop all? [y/N] `,
    );
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    asking.close();
  }
}

function partsOf(directory: string, read: () => Config): Pick<Brakes, "stores" | "backends"> {
  try {
    const config = read();
    return { stores: storesOf(config), backends: [...backendsOf(config.root), ...modalOf(config)] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // Sandboxes are found without it.
    const open = (): never => {
      throw error;
    };
    return { stores: [{ name: "The store", open }], backends: backendsOf(findRoot(directory)) };
  }
}

function storesOf(config: Config): Part<Store>[] {
  const path = storePath(config);
  const { url } = config.settings.store;
  const file: Part<Store> = { name: `the store ${path}`, open: () => openFile(config, path) };
  if (url === undefined) return [file];
  const shared: Part<Store> = { name: `the store at ${url}`, open: () => openShared(config) };
  // A terminal's own tasks.
  return existsSync(path) ? [shared, file] : [shared];
}

function openFile(config: Config, path: string): Store {
  makeHome(join(config.root, ".parhelia"));
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return openSqliteStore({ path });
}

function openShared(config: Config): Store {
  const place = storePlace(config);
  if (place.kind !== "redis") throw new Error("The settings name no shared store.");
  return openRedisStore({ ...place, replica: randomIds.unique() });
}

const backendsOf = (root: string): Brakes["backends"] =>
  Object.values(sandboxPlaces(root))
    .filter((state) => existsSync(state))
    .map((state) => ({ name: `this machine in ${state}`, open: () => localFromOutside(state, process.pid) }));

/** Where the settings name Modal; what goes wrong is told by what the brake says of it. */
function modalOf(config: Config): Brakes["backends"] {
  if (config.settings.sandbox.backend !== "modal") return [];
  const open = async () => {
    const settings = modalSettings(config);
    const { openModalSandboxes } = await import("../sandbox/modal/open-modal-sandboxes.ts");
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    return openModalSandboxes({ ...settings, clock: systemClock, log });
  };
  return [{ name: `the Modal app ${config.settings.modal.app}`, open }];
}
