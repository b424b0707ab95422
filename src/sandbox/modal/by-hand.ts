/**
 * Sandboxes on Modal in which somebody runs one command after the other from outside, where a task's does its work by itself.
 * Commands are words and never a line for a shell, and what a command says comes back with its exit status.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { NotFoundError, type ModalClient, type Sandbox, type SandboxCreateParams, type Volume } from "modal";
import { secondMs } from "../../core/instant.ts";
import { mostOutput, type ByHand, type Ran, type RunOptions } from "../../core/ports/by-hand.ts";
import type { Resources } from "../../core/ports/sandboxes.ts";
import { Refusal } from "../../core/refusal.ts";
import { inWords } from "./in-words.ts";
import { connectTo, type Account } from "./modal-client.ts";
import { ownApp } from "./own-app.ts";
import { networkOf, reachOf, type Reach } from "./reach.ts";
import { remembered } from "./remembered.ts";

export interface HandSpec {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** A published image by its name and tag. */
  readonly image: string;
  readonly resources: Resources;
  /** Modal itself ends it after this time, whatever becomes of us. */
  readonly lifetimeMs: number;
  readonly reach: Reach | "nothing";
  /** Paths inside, and what is seen there. */
  readonly volumes?: Readonly<Record<string, Part>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly regions?: readonly string[];
  /** For every command, by way of Modal's secrets. */
  readonly secret?: Readonly<Record<string, string>>;
}

/** One folder of a volume. */
export interface Part {
  readonly volume: Volume;
  readonly folder: string;
  readonly access: "read" | "write";
}

export interface ModalHand extends ByHand {
  readonly id: string;
  readonly imageId: string;
}

export interface Hands {
  /** Throws a `Refusal` where its image is missing. With a GPU it may take 20 minutes. */
  start(spec: HandSpec): Promise<ModalHand>;
  /** The one of this name that lives. */
  join(name: string): Promise<Pick<ByHand, "run">>;
  /** A volume that is gone when it is closed, or when this process is. */
  passingVolume(): Promise<Volume>;
  /** Makes the account's app where it is missing. */
  makeApp(): Promise<"made" | "there">;
  /** Whether the account has a secret of this name. */
  hasSecret(name: string): Promise<boolean>;
  deleteImage(imageId: string): Promise<void>;
  close(): void;
}

/** Between the end of a command's time and Modal's word that it was ended. */
const graceMs = 10 * secondMs;

export function openHands(account: Account): Hands {
  const client = connectTo(account);
  const theApp = remembered(() => ownApp(client, account));
  return {
    start: (spec) =>
      inWords(async () => {
        const app = await theApp();
        const image = await client.images.fromName(spec.image).catch((error: unknown) => {
          if (!(error instanceof NotFoundError)) throw error;
          throw new Refusal(
            `Modal has no image ${spec.image}. Build one and make it live (parhelia image build, image promote), or name another.`,
            { cause: error },
          );
        });
        const sandbox = await client.sandboxes.create(app, image, await paramsOf(client, spec));
        return {
          id: sandbox.sandboxId,
          imageId: image.imageId,
          run: (command, options) => runIn(sandbox, command, options),
          end: async () => void (await sandbox.terminate({ wait: true })),
        };
      }),
    join: (name) =>
      inWords(async () => {
        const sandbox = await client.sandboxes.fromName(account.app, name);
        return { run: (command, options) => runIn(sandbox, command, options) };
      }),
    passingVolume: () => inWords(() => client.volumes.ephemeral()),
    makeApp: () =>
      inWords(async () => {
        try {
          await client.apps.fromName(account.app);
          return "there";
        } catch (error) {
          if (!(error instanceof NotFoundError)) throw error;
          await theApp();
          return "made";
        }
      }),
    hasSecret: (name) =>
      inWords(async () => {
        try {
          await client.secrets.fromName(name);
          return true;
        } catch (error) {
          if (error instanceof NotFoundError) return false;
          throw error;
        }
      }),
    deleteImage: (imageId) => inWords(() => client.images.delete(imageId)),
    close: () => client.close(),
  };
}

/** As code asks for it: nothing, everything, or hosts by name or address. */
export function reachFrom(network: "none" | "open" | readonly string[]): Reach | "nothing" {
  if (network === "open") return "everything";
  const [first, ...hosts] = network === "none" ? [] : network;
  return first === undefined ? "nothing" : reachOf({ network: "list", gateway: `https://${first}`, hosts }, {});
}

async function paramsOf(client: ModalClient, spec: HandSpec): Promise<SandboxCreateParams> {
  const { cpu, memoryMiB, gpu } = spec.resources;
  const seconds = Math.ceil(spec.lifetimeMs / secondMs);
  const volumes = Object.entries(spec.volumes ?? {}).map(([at, { volume, folder, access }]) => [
    at,
    volume.withMountOptions({ subPath: folder, readOnly: access === "read" }),
  ]);
  return {
    name: spec.name,
    tags: { ...spec.tags },
    // An image's own command may end at once, and the sandbox with it.
    command: ["sleep", String(seconds)],
    cpu,
    cpuLimit: cpu,
    memoryMiB,
    memoryLimitMiB: memoryMiB,
    timeoutMs: seconds * secondMs,
    volumes: Object.fromEntries(volumes),
    env: { ...spec.env },
    ...(gpu === undefined ? {} : { gpu }),
    ...(spec.regions === undefined || spec.regions.length === 0 ? {} : { regions: [...spec.regions] }),
    ...(spec.secret === undefined ? {} : { secrets: [await client.secrets.fromObject({ ...spec.secret })] }),
    ...(spec.reach === "nothing" ? { blockNetwork: true } : networkOf(spec.reach)),
  };
}

async function runIn(sandbox: Sandbox, command: readonly string[], options: RunOptions): Promise<Ran> {
  const timeoutMs = Math.ceil(options.timeoutMs / secondMs) * secondMs;
  const { env = {}, workdir } = options;
  const process = await sandbox.exec([...command], {
    timeoutMs: timeoutMs + graceMs,
    env: { ...env },
    ...(workdir === undefined ? {} : { workdir }),
  });
  const [out, err] = [gather(process.stdout), gather(process.stderr)];
  const done = Promise.all([process.wait(), out.read, err.read]);
  // Whoever stopped waiting hears no more of it.
  done.catch(() => undefined);
  const over = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    const ended = await Promise.race([done, late]);
    const isCut = out.isCut() || err.isCut();
    return { exitCode: ended === undefined ? null : ended[0], stdout: out.text(), stderr: err.text(), isCut };
  } finally {
    over.abort();
  }
}

/** What was said so far is kept, also of a command whose time is up. */
function gather(stream: AsyncIterable<string>) {
  let text = "";
  let isCut = false;
  const read = (async () => {
    for await (const said of stream) {
      const room = mostOutput - text.length;
      text += said.slice(0, room);
      isCut ||= said.length > room;
    }
  })();
  return { read, text: () => text, isCut: () => isCut };
}
