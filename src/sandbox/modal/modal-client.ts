/**
 * Everything that is asked of Modal, in one file. Its public client hides what tells a failed sandbox from a finished one
 * and gives no names in a listing, so the raw calls below it (`cpClient`, typed and unsupported) are used for these, and here
 * alone.
 */
import {
  AlreadyExistsError,
  ConflictError,
  ModalClient,
  NotFoundError,
  ResourceExhaustedError,
  type App,
  type SandboxCreateParams,
} from "modal";
import { Instant, secondMs } from "../../core/instant.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Resources } from "../../core/ports/sandboxes.ts";
import { Refusal } from "../../core/refusal.ts";
import { networkOf, type Reach } from "./reach.ts";
import { remembered } from "./remembered.ts";

export interface Account {
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** Of Modal's: `main` unless the operator keeps staging and production apart. */
  readonly environment: string | undefined;
  readonly app: string;
  readonly log: Log;
}

export interface ModalOptions extends Account {
  /** Name and tag of the published image that sandboxes start from. */
  readonly image: string;
  /** Empty for wherever there is room; a chosen region is dearer. */
  readonly regions: readonly string[];
}

export interface Asked {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly reach: Reach;
  readonly lifetimeMs: number;
}

/** A sandbox as Modal lists it. Without `isScheduled` it waits for a machine and costs nothing. */
export interface Listed {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Instant;
  readonly isScheduled: boolean;
  /** Absent where Modal does not say it yet. */
  readonly startedAt: Instant | undefined;
  readonly imageId: string;
  /** As they were asked for. */
  readonly image: string | undefined;
  readonly gpu: string | undefined;
}

/**
 * "taken": one of that name lives. "no capacity": no machine was free within Modal's own time, or too many creations are
 * asked for. "ended": it was ended while it waited.
 */
export type Created = { readonly imageId: string } | "taken" | "no capacity" | "ended";

export interface Modal {
  /** With a GPU it resolves when a machine was found, which may take 20 minutes. Throws a `Refusal` where the image is missing. */
  create(asked: Asked): Promise<Created>;
  /** All of ours that live, or the one of a name. */
  list(name?: string): Promise<Listed[]>;
  /** The id of the one of this name, also where it is not listed yet. */
  idOf(name: string): Promise<string | undefined>;
  terminate(id: string): Promise<void>;
  close(): void;
}

/** Every sandbox of ours bears the first; the others say what a listing does not. */
const tags = { ours: "parhelia", name: "parhelia-sandbox", image: "parhelia-image", gpu: "parhelia-gpu" } as const;
const oursValue = "sandbox";

/** Longer than Modal asks anybody to wait, and shorter than the engine waits for a sandbox. */
const longestThrottleSeconds = 60;

/** Of gRPC. */
const status = { resourceExhausted: 8, unauthenticated: 16 } as const;

export const hasCode = (error: unknown, code: number): boolean =>
  error instanceof Error && "code" in error && error.code === code;

/** The token itself is refused. */
export const isRejected = (error: unknown): boolean => hasCode(error, status.unauthenticated);

export const connectTo = ({ tokenId, tokenSecret, environment, log }: Account): ModalClient =>
  new ModalClient({
    tokenId,
    tokenSecret,
    maxThrottleWaitSecs: longestThrottleSeconds,
    ...(environment === undefined ? {} : { environment }),
    logger: quietly(log),
  });

export function openModal(options: ModalOptions): Modal {
  const { app: appName, image: imageName, regions } = options;
  let client = connectTo(options);
  /** A session that Modal has ended is not known as such to a client, which would bear it until it runs out. */
  const inSession = async <T>(call: (client: ModalClient) => Promise<T>): Promise<T> => {
    const used = client;
    try {
      return await call(used);
    } catch (error) {
      if (!isRejected(error)) throw error;
      if (client === used) client = connectTo(options);
      return call(client);
    }
  };
  const theApp = remembered(() => inSession((it) => it.apps.fromName(appName, { createIfMissing: true })));

  return {
    async create(asked) {
      const app = await theApp();
      return inSession((it) => createIn(it, { app, imageName, regions }, asked));
    },
    async list(name) {
      const app = await theApp();
      const [newer, older] = await Promise.all(
        (["sandboxListV2", "sandboxList"] as const).map((call) => inSession((it) => listing(it, app, { name, call }))),
      );
      // Modal is said to list those of the old backend in both.
      return [...new Map([...(newer ?? []), ...(older ?? [])].map((each) => [each.id, each])).values()];
    },
    async idOf(name) {
      await theApp();
      try {
        return (await inSession((it) => it.sandboxes.fromName(appName, name))).sandboxId;
      } catch (error) {
        if (error instanceof NotFoundError) return undefined;
        throw error;
      }
    },
    async terminate(id) {
      try {
        await inSession(async (it) => (await it.sandboxes.fromId(id)).terminate());
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof NotFoundError)) throw error;
      }
    },
    close: () => client.close(),
  };
}

interface Ground {
  readonly app: App;
  readonly imageName: string;
  readonly regions: readonly string[];
}

/** The image each time: another may have been promoted or rolled back to. */
async function createIn(client: ModalClient, ground: Ground, asked: Asked): Promise<Created> {
  const { app, imageName } = ground;
  const image = await client.images.fromName(imageName).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    throw new Refusal(
      `Modal has no image ${imageName}. The operator builds one and makes it live (parhelia image build, image promote), or names another (modal.image).`,
      { cause: error },
    );
  });
  try {
    await client.sandboxes.create(app, image, paramsOf(ground, asked));
    return { imageId: image.imageId };
  } catch (error) {
    if (error instanceof AlreadyExistsError) return "taken";
    if (error instanceof ResourceExhaustedError || hasCode(error, status.resourceExhausted)) return "no capacity";
    if (error instanceof ConflictError) return "ended";
    throw error;
  }
}

/** Everything explicit: Modal's own defaults are five minutes, an eighth of a core and 128 MiB. */
function paramsOf({ imageName, regions }: Ground, asked: Asked): SandboxCreateParams {
  const { cpu, memoryMiB, gpu } = asked.resources;
  return {
    name: asked.name,
    tags: {
      [tags.ours]: oursValue,
      [tags.name]: asked.name,
      [tags.image]: imageName,
      ...(gpu === undefined ? {} : { [tags.gpu]: gpu }),
    },
    command: [...asked.command],
    env: { ...asked.env },
    cpu,
    cpuLimit: cpu,
    memoryMiB,
    memoryLimitMiB: memoryMiB,
    // Whole seconds, as fractions are refused.
    timeoutMs: Math.ceil(asked.lifetimeMs / secondMs) * secondMs,
    ...(gpu === undefined ? {} : { gpu }),
    ...(regions.length === 0 ? {} : { regions: [...regions] }),
    ...networkOf(asked.reach),
  };
}

type Listing = { readonly name: string | undefined; readonly call: "sandboxList" | "sandboxListV2" };

async function listing(client: ModalClient, app: App, { name, call }: Listing): Promise<Listed[]> {
  const asked = [
    { tagName: tags.ours, tagValue: oursValue },
    ...(name === undefined ? [] : [{ tagName: tags.name, tagValue: name }]),
  ];
  const found: Listed[] = [];
  for (let beforeTimestamp: number | undefined; ;) {
    const { sandboxes } = await client.cpClient[call]({
      appId: app.appId,
      includeFinished: false,
      tags: asked,
      ...(beforeTimestamp === undefined ? {} : { beforeTimestamp }),
    });
    for (const { id, name, createdAt, taskInfo, imageId, tags: borne } of sandboxes) {
      const startedAt = taskInfo?.startedAt ?? 0;
      const tag = (of: string): string | undefined => borne.find(({ tagName }) => tagName === of)?.tagValue;
      found.push({
        id,
        name,
        createdAt: instantOf(createdAt),
        isScheduled: taskInfo !== undefined,
        startedAt: startedAt === 0 ? undefined : instantOf(startedAt),
        imageId,
        image: tag(tags.image),
        gpu: tag(tags.gpu),
      });
    }
    const last = sandboxes.at(-1);
    if (last === undefined) return found;
    beforeTimestamp = last.createdAt;
  }
}

const instantOf = (seconds: number): Instant => Instant.parse(Math.round(seconds * secondMs));

/** Its words are details to us, and may hold what was sent. */
function quietly(log: Log) {
  const warn = (message: string): void => log.warn({}, `Modal's client: ${message.slice(0, 200)}`);
  return { debug: () => undefined, info: () => undefined, warn, error: warn };
}
