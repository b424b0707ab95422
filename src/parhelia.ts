/**
 * Sandboxes from code (guide §6.3): `import { createSandbox, runInSandbox } from "parhelia"`. Commands are words, their exit
 * status and outputs come back, and a sandbox ends in any case: by `end`, by `await using`, or at its lifetime.
 */
import { readConfig, type Config } from "./config.ts";
import { attemptId, sandboxName } from "./core/ids.ts";
import { minuteMs } from "./core/instant.ts";
import type { MicroUsd } from "./core/money.ts";
import type { ByHand, Ran } from "./core/ports/by-hand.ts";
import type { Resources } from "./core/ports/sandboxes.ts";
import { computePrice } from "./core/pricing.ts";
import { Refusal } from "./core/refusal.ts";
import { modalAccount } from "./from-config.ts";
import { randomIds, systemClock } from "./main.ts";
import { openLocalHand } from "./sandbox/local/by-hand.ts";
import { modalPerHour, refuseMisfits } from "./sandbox/modal/refuse.ts";

export { ConfigError } from "./config.ts";
export { Refusal };

/** What is left out is as the settings of the current folder say (`.parhelia/config.toml`, the environment), as for the service. */
export interface SandboxOptions {
  readonly backend?: "local" | "modal";
  readonly cpu?: number;
  readonly memoryMiB?: number;
  /** On Modal, such as `T4` or `H100:2`. */
  readonly gpu?: string;
  /** On Modal: a published image, by its name and tag. */
  readonly image?: string;
  /** The sandbox is ended after this time, whatever becomes of this process. */
  readonly lifetimeMs?: number;
  /** Nothing unless given. On Modal everything (`open`), or these hosts by TLS on port 443. */
  readonly network?: "none" | "open" | readonly string[];
  /** For every command. On Modal whoever may look at the account can see it. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandOptions {
  /** Ten minutes unless given; the command is ended then. */
  readonly timeoutMs?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** An absolute path in the sandbox. */
  readonly workdir?: string;
}

export interface CommandResult {
  /** Null where its time was up. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** More was said than the 16 Mi characters of each output that are kept. */
  readonly isCut: boolean;
}

export interface Sandbox extends AsyncDisposable {
  readonly name: string;
  readonly backend: "local" | "modal";
  /** Words, and never a line for a shell: `["sh", "-c", "…"]` where one is wanted. */
  run(command: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** What it cost, in millionths of a dollar, by our clock and the published prices. May be called again. */
  end(): Promise<{ readonly costMicroUsd: number }>;
}

/** Throws a `Refusal`, or a `ConfigError`, that says what is missing and what to do. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const config = readConfig(process.cwd(), process.env);
  const backend = options.backend ?? config.settings.sandbox.backend;
  const name = sandboxName(attemptId(randomIds.task(), 1));
  const spec: Spec = { ...options, name, config, resources: resourcesOf(options, config) };
  const from = systemClock.now();
  const hand = await (backend === "modal" ? onModal(spec) : here(spec));
  let ended: Promise<{ costMicroUsd: number }> | undefined;
  const end = (): Promise<{ costMicroUsd: number }> => {
    ended ??= hand.end().then(() => {
      return { costMicroUsd: computePrice(hand.microUsdPerHour, systemClock.now() - from) };
    });
    return ended;
  };
  return {
    name,
    backend,
    run: (command, asked = {}) => runWith(hand, command, asked),
    end,
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}

export interface RunInSandbox extends Omit<SandboxOptions, "env">, CommandOptions {
  readonly command: readonly string[];
}

/** One command in a sandbox of its own, which has ended when this resolves or rejects. */
export async function runInSandbox(asked: RunInSandbox): Promise<CommandResult & { readonly costMicroUsd: number }> {
  const { command, timeoutMs = defaultTimeoutMs, env, workdir, ...options } = asked;
  const lifetimeMs = options.lifetimeMs ?? timeoutMs + slackMs;
  await using sandbox = await createSandbox({ ...options, lifetimeMs });
  const around = { ...(env === undefined ? {} : { env }), ...(workdir === undefined ? {} : { workdir }) };
  const ran = await sandbox.run(command, { timeoutMs, ...around });
  return { ...ran, ...(await sandbox.end()) };
}

const defaultTimeoutMs = 10 * minuteMs;
/** To start and to end. */
const slackMs = 2 * minuteMs;

interface Spec extends SandboxOptions {
  readonly name: ReturnType<typeof sandboxName>;
  readonly config: Config;
  readonly resources: Resources;
}

type Priced = ByHand & { readonly microUsdPerHour: MicroUsd };

const lifetimeOf = ({ lifetimeMs, config }: Spec): number => lifetimeMs ?? config.settings.sandbox.timeout;

function resourcesOf({ cpu, memoryMiB, gpu }: SandboxOptions, { settings: { sandbox } }: Config): Resources {
  const size = { cpu: cpu ?? sandbox.cpu, memoryMiB: memoryMiB ?? sandbox.memory };
  return gpu === undefined ? size : { ...size, gpu };
}

function runWith(hand: ByHand, command: readonly string[], asked: CommandOptions): Promise<Ran> {
  if (command.length === 0) throw new Refusal('A command has a program and its words: ["node", "--version"].');
  return hand.run(command, { timeoutMs: asked.timeoutMs ?? defaultTimeoutMs, env: asked.env, workdir: asked.workdir });
}

async function here(spec: Spec): Promise<Priced> {
  const { name, network = "none", image, resources, env = {} } = spec;
  if (network !== "none")
    throw new Refusal('A local sandbox from code has no network. Leave `network` out, or use backend: "modal".');
  if (image !== undefined)
    throw new Refusal('A local sandbox has no image: it sees /usr of this machine. Use backend: "modal".');
  const { isolation, price_per_hour: microUsdPerHour } = spec.config.settings.sandbox;
  const lifetimeMs = lifetimeOf(spec);
  const hand = await openLocalHand({ name, isolation, resources, lifetimeMs, env, clock: systemClock });
  return { ...hand, microUsdPerHour };
}

async function onModal(spec: Spec): Promise<Priced> {
  const { name, config, resources, network = "none", env = {} } = spec;
  const { image, regions } = config.settings.modal;
  refuseMisfits(resources);
  // Loaded where it is needed: it is larger than all the rest.
  const { openHands, reachFrom } = await import("./sandbox/modal/by-hand.ts");
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const hands = openHands({ ...modalAccount(config), log });
  try {
    const hand = await hands.start({
      name,
      // None of a task's, so that no service takes it for one that was forgotten.
      tags: { parhelia: "code" },
      image: spec.image ?? image,
      resources,
      regions,
      env,
      lifetimeMs: lifetimeOf(spec),
      reach: reachFrom(network),
    });
    const end = async (): Promise<void> => {
      await hand.end();
      hands.close();
    };
    return { run: hand.run, end, microUsdPerHour: modalPerHour(resources, { regions }) };
  } catch (error) {
    hands.close();
    throw error;
  }
}
