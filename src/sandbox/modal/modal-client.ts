/**
 * What is asked of Modal for sandboxes; `creation.ts` makes them. Its public client hides what tells a failed sandbox from a finished one
 * and gives no names in a listing, so the raw calls below it (`cpClient`, typed and unsupported) are used for these, and here
 * alone.
 */
import { ModalClient, NotFoundError, type App } from "modal";
import type { Metered } from "../../core/compute-prices.ts";
import { Instant, secondMs } from "../../core/instant.ts";
import type { Log } from "../../core/ports/log.ts";
import { isRejected } from "./codes.ts";
import { createIn, oursValue, tags, type Asked, type Created } from "./creation.ts";
import { ownApp } from "./own-app.ts";
import { publishOn, type OwnBase } from "./own-base.ts";
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
  /** Of the files that outlive a sandbox; no sandbox sees any where it is left out. */
  readonly volume?: string | undefined;
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

export interface Modal {
  /** With a GPU it resolves when a machine was found, which may take 20 minutes. Throws a `Refusal` where the image is missing. */
  create(asked: Asked): Promise<Created>;
  /** Builds what is ours on top of a base and publishes it by this name, unless it is there. */
  publishOn(own: OwnBase): Promise<void>;
  /** All of ours that live, or the one of a name. */
  list(name?: string): Promise<Listed[]>;
  /** The id of the one of this name, also where it is not listed yet. */
  idOf(name: string): Promise<string | undefined>;
  terminate(id: string): Promise<void>;
  /** What Modal counted of the newest of this name, also when it has ended; undefined where it counted nothing. */
  metered(name: string): Promise<Omit<Metered, "gpu"> | undefined>;
  close(): void;
}

/** Longer than Modal asks anybody to wait, and shorter than the engine waits for a sandbox. */
const longestThrottleSeconds = 60;

export const connectTo = ({ tokenId, tokenSecret, environment, log }: Account): ModalClient =>
  new ModalClient({
    tokenId,
    tokenSecret,
    maxThrottleWaitSecs: longestThrottleSeconds,
    ...(environment === undefined ? {} : { environment }),
    logger: quietly(log),
  });

export function openModal(options: ModalOptions): Modal {
  const { app: appName, environment, regions, volume } = options;
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
  const theApp = remembered(() => inSession((it) => ownApp(it, options)));

  const listed = async (name: string | undefined, which: Listing["which"]): Promise<Listed[]> => {
    const app = await theApp();
    const [newer, older] = await Promise.all(
      (["sandboxListV2", "sandboxList"] as const).map((call) =>
        inSession((it) => listing(it, app, { name, call, which })),
      ),
    );
    // Modal is said to list those of the old backend in both.
    return [...new Map([...(newer ?? []), ...(older ?? [])].map((each) => [each.id, each])).values()];
  };

  return {
    async create(asked) {
      const app = await theApp();
      return inSession((it) => createIn(it, { app, environment, regions, volume }, asked));
    },
    async publishOn(own) {
      const app = await theApp();
      await inSession((client) => publishOn({ client, app, appName }, own));
    },
    list: (name) => listed(name, "living"),
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
    async metered(name) {
      // The client finds those of the old backend by name only while they live.
      const [sandbox] = (await listed(name, "finished too")).toSorted((one, other) => other.createdAt - one.createdAt);
      if (sandbox === undefined) return undefined;
      return inSession(async (it) => {
        // Undocumented: another release of Modal may answer nothing.
        const used = await it.cpClient.sandboxGetResourceUsage({ sandboxId: sandbox.id });
        const seconds = (nanoseconds: number): number => nanoseconds / 1e9;
        const { cpuCoreNanosecs, memGibNanosecs, gpuNanosecs } = used;
        if (cpuCoreNanosecs === 0 && memGibNanosecs === 0) return undefined;
        const [coreSeconds, gibSeconds] = [seconds(cpuCoreNanosecs), seconds(memGibNanosecs)];
        return { coreSeconds, gibSeconds, gpuSeconds: seconds(gpuNanosecs) };
      });
    },
    close: () => client.close(),
  };
}

interface Listing {
  readonly name: string | undefined;
  readonly call: "sandboxList" | "sandboxListV2";
  readonly which: "living" | "finished too";
}

async function listing(client: ModalClient, app: App, { name, call, which }: Listing): Promise<Listed[]> {
  const asked = [
    { tagName: tags.ours, tagValue: oursValue },
    ...(name === undefined ? [] : [{ tagName: tags.name, tagValue: name }]),
  ];
  const found: Listed[] = [];
  for (let beforeTimestamp: number | undefined; ;) {
    const { sandboxes } = await client.cpClient[call]({
      appId: app.appId,
      includeFinished: which === "finished too",
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
