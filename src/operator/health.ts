/** `parhelia health`, opened from the configuration: what tasks need, seen from a sandbox as they get it. */
import { join } from "node:path";
import { Hono } from "hono";
import { ConfigError, type Config } from "../config.ts";
import { failed } from "../core/checkup.ts";
import { blind, judge, noClaude, type Health, type Sight } from "../core/health.ts";
import { attemptId, sandboxName } from "../core/ids.ts";
import { secondMs } from "../core/instant.ts";
import { noMoney } from "../core/money.ts";
import { modalSettings, modelsOf } from "../from-config.ts";
import { listen } from "../gateway/listen.ts";
import { cheapest, proveKey } from "../gateway/model/prove-key.ts";
import { randomIds, systemClock } from "../main.ts";
import { findClaude } from "../sandbox/local/find-claude.ts";
import { lookAtMachine } from "../sandbox/local/health.ts";
import { exitCodes } from "../terminal/exit-codes.ts";
import { checkupWords, healthShown } from "../terminal/health.ts";

/** `words` are those behind `parhelia health`. */
export async function health(words: readonly string[], config: Config): Promise<number> {
  const asked = checkupWords("health", words);
  if (asked.kind === "wrong") {
    process.stderr.write(`${asked.message}\n`);
    return exitCodes.misused;
  }
  const found = await lookAtHealth(config);
  process.stdout.write(`${healthShown(found, asked.as)}\n`);
  return found.isOk ? exitCodes.done : exitCodes.refused;
}

const modelWithinMs = 30 * secondMs;

/** Never throws for what is not well. */
export async function lookAtHealth(config: Config): Promise<Health> {
  const { settings, secrets } = config;
  const bounded: typeof fetch = (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(modelWithinMs) });
  const upstream = { baseUrl: settings.agent.api_url, apiKey: secrets.ANTHROPIC_API_KEY ?? "", fetch: bounded };
  const [sight, key] = await Promise.all([
    settings.sandbox.backend === "modal" ? modal(config) : machine(config),
    proveKey(upstream, cheapest(modelsOf(config))),
  ]);
  return judge(settings.sandbox.backend, sight, key);
}

async function modal(config: Config): Promise<Sight> {
  try {
    const settings = modalSettings(config);
    // Loaded where it is needed: it is larger than all the rest.
    const { lookAtModal } = await import("../sandbox/modal/health.ts");
    const warn = (_: object, message: string): void => void process.stderr.write(`${message}\n`);
    const log = { info: () => undefined, warn, error: warn };
    const { volume } = config.settings.modal;
    return await lookAtModal({ ...settings, volume, log, clock: systemClock, unique: randomIds.unique() });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const why = failed(error.message, "Set what is missing, in .parhelia/config.toml or the environment.");
    return { seen: blind("modal_connected", why), claude: noClaude, image: null, cost: noMoney };
  }
}

/** A sandbox is up in a second; Claude Code takes some to say its version. */
const heardWithinMs = 40 * secondMs;

function machine(config: Config): Promise<Sight> {
  const { settings, root, searched } = config;
  const heard = Promise.withResolvers<unknown>();
  const timer = setTimeout(() => heard.resolve(undefined), heardWithinMs);
  const door = new Hono().post("/health", async (context) => {
    // What is no JSON tells nothing, as silence does.
    heard.resolve(await context.req.json().catch(() => undefined));
    return context.body(null, 204);
  });
  return lookAtMachine({
    isolation: settings.sandbox.isolation,
    node: process.execPath,
    claude: settings.agent.claude_path ?? findClaude(searched),
    home: join(root, ".parhelia"),
    name: sandboxName(attemptId(randomIds.task(), 1)),
    clock: systemClock,
    heard: heard.promise,
    open: async ({ directory, connections }) =>
      listen(door, { socket: join(directory, "gateway.sock"), mode: 0o666, connections }),
  }).finally(() => clearTimeout(timer));
}
