/** `parhelia doctor`: a look at the whole installation, each part by itself, so that one that is broken hides no other. */
import { spawnSync } from "node:child_process";
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, type Config } from "../config.ts";
import { failed, isWell, ok, unseen, warning, type Check, type Seen } from "../core/checkup.ts";
import { secondMs } from "../core/instant.ts";
import { plainLine } from "../core/markdown.ts";
import { gitHubAccess, storePath, storePlace } from "../from-config.ts";
import { lookAtApp } from "../github/look-at-app.ts";
import { randomIds, systemClock } from "../main.ts";
import { readHalt } from "../records/halt.ts";
import { openBeside } from "../store/open-store.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { checkLines, checkupWords } from "../terminal/health.ts";
import { forTerminal } from "../terminal/words.ts";
import { lookAtHealth } from "./health.ts";

/** `words` are those behind `parhelia doctor`. */
export async function doctor(words: readonly string[], config: Config): Promise<number> {
  const asked = checkupWords("doctor", words);
  if (asked.kind === "wrong") {
    process.stderr.write(`${forTerminal(asked.message)}\n`);
    return exitCodes.misused;
  }
  const checks = await lookAtAll(config);
  const isOk = isWell(checks);
  const status = isOk ? "ok" : "failed";
  const shown =
    asked.as === "json" ? JSON.stringify({ status, checks }, null, 2) : `${checkLines(checks)}\n\nstatus: ${status}`;
  process.stdout.write(`${forTerminal(shown)}\n`);
  return isOk ? exitCodes.done : exitCodes.refused;
}

/** A part that does not answer is a failure of that part. */
const withinMs = 120 * secondMs;

/** Never throws. */
export async function lookAtAll(config: Config): Promise<Check[]> {
  const parts: readonly (readonly [name: string, look: () => Check[] | Promise<Check[]>])[] = [
    ["configuration", () => [{ name: "configuration", ...ok(config.file ?? "no file, the defaults") }]],
    ["programs", programs],
    ["disk", () => [{ name: "disk", ...disk(config) }]],
    ["store", () => store(config)],
    ["app", () => app(config)],
    ["backend", () => backend(config)],
  ];
  return (await Promise.all(parts.map(([name, look]) => inTime(name, look)))).flat();
}

async function inTime(name: string, look: () => Check[] | Promise<Check[]>): Promise<Check[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Check[]>((resolve) => {
    const why = failed(
      `no answer in ${withinMs / secondMs} s`,
      "Look at the network from this machine, and try again.",
    );
    timer = setTimeout(() => resolve([{ name, ...why }]), withinMs);
  });
  try {
    return await Promise.race([Promise.resolve().then(look), late]);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const [first = "", ...rest] = said.split("\n").map((line) => line.trim());
    const cure = rest.join(" ") || "Mend that, and look again.";
    return [{ name, ...failed(error instanceof ConfigError ? first : plainLine(first), cure) }];
  } finally {
    clearTimeout(timer);
  }
}

function programs(): Check[] {
  const node = Number(process.versions.node.split(".", 1)[0]);
  const git = spawnSync("git", ["--version"], { encoding: "utf8" });
  return [
    {
      name: "node",
      ...(node >= 24
        ? ok(process.version)
        : failed(process.version, "Start it by npm or npx here, or install Node.js 24.")),
    },
    { name: "git", ...(git.status === 0 ? ok(git.stdout.trim()) : failed("not found", "apt-get install git")) },
  ];
}

const roomBytes = 1024 ** 3;

function disk(config: Config): Seen {
  const place = dirname(storePath(config));
  if (!existsSync(place)) return unseen(`${place} is made at the first start`);
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const words = `${(free / roomBytes).toFixed(1)} GiB are free in ${place}`;
  return free >= roomBytes ? ok(words) : warning(words, "Make room, or set store.path to a larger disk.");
}

async function store(config: Config): Promise<Check[]> {
  const place = storePlace(config);
  if (place.kind === "sqlite" && !existsSync(place.path))
    return [{ name: "store", ...warning(`${place.path} is not there yet`, "The first `parhelia serve` makes it.") }];
  const opened = openBeside(place, randomIds.unique());
  try {
    const halted = await readHalt(opened, systemClock.now());
    const where = place.kind === "sqlite" ? place.path : place.url;
    const seen =
      halted === undefined
        ? ok(where)
        : warning(`nothing new starts: ${plainLine(halted.because)}`, "When it may go on: parhelia halt --off");
    return [{ name: "store", ...seen }];
  } finally {
    await opened.close();
  }
}

async function app(config: Config): Promise<Check[]> {
  const { public_url: at } = config.settings.server;
  const { app: identity, apiUrl, installations } = gitHubAccess(config);
  const quiet = (): void => undefined;
  return lookAtApp({
    app: identity,
    apiUrl,
    installations,
    webhookUrl: at === undefined ? undefined : `${at}/webhook`,
    fetch,
    clock: systemClock,
    log: { info: quiet, warn: quiet, error: quiet },
  });
}

async function backend(config: Config): Promise<Check[]> {
  const { checks } = await lookAtHealth(config);
  return checks.map((check) => ({ ...check, name: `${config.settings.sandbox.backend}: ${check.name}` }));
}
