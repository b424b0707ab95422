/** What a test asks of the stand-in's process beside the client's calls. All of it goes through messages, so it is plain data. */
import { environmentOf, findNamed, mainEnvironment, type Account, type Options } from "./account.ts";
import { billed, living, type Billed, type Living } from "./bill.ts";
import type { Free } from "./capacity.ts";
import type { Fault } from "./faults.ts";
import { newId } from "./ids.ts";
import { nothing, type Contents } from "./layers.ts";
import { createSandbox, end, finish, startQueued } from "./life.ts";
import { isAlive, type Sandbox } from "./sandbox.ts";
import { makeSecret } from "./secrets.ts";
import { status, type Result } from "./wire.ts";

type Changeable = Partial<
  Pick<
    Options,
    | "tokenLifeS"
    | "keepBytes"
    | "pageSize"
    | "listLagMs"
    | "isV1InListV2"
    | "graceMs"
    | "buildMs"
    | "containers"
    | "gpus"
  >
>;

export interface ImageSeen {
  readonly id: string;
  readonly digest: string;
  readonly base: string | undefined;
  readonly commands: readonly string[];
  readonly contents: Contents;
  readonly isBuilt: boolean;
  /** `environment/name:tag` */
  readonly published: readonly string[];
}

export interface Ended {
  readonly status: number;
  readonly exitcode?: number;
  readonly exception?: string;
}

/** By id, or by the name of one that runs. Throws where there is none. */
function find(account: Account, which: string): Sandbox {
  const all = [...account.sandboxes.values()];
  const found = all.find(({ id }) => id === which) ?? all.find((one) => one.name === which && isAlive(one));
  if (found === undefined) throw new Error(`There is no sandbox ${which} in the stand-in for Modal`);
  return found;
}

function makeForeign(account: Account, appName: string, names: readonly string[]): string[] {
  const app = findNamed(account.apps, mainEnvironment, appName) ?? {
    id: newId("ap"),
    name: appName,
    environment: mainEnvironment,
  };
  account.apps.set(app.id, app);
  const imageId = newId("im");
  const made = { digest: imageId, base: undefined, commands: ["FROM debian"], failure: undefined, readyAt: 0 };
  account.images.set(imageId, { id: imageId, ...made, contents: nothing });
  return names.map((name) => {
    const size = { cpu: 0.125, memoryMiB: 128, memoryLimitMiB: undefined, gpu: undefined };
    const work = { command: ["sleep", "infinity"], workdir: undefined, lifetimeMs: 24 * 3_600_000, idleMs: undefined };
    const place = { mounts: [], env: {}, network: { kind: "open" as const }, regions: [], tags: {} };
    const ask = { version: 2 as const, appId: app.id, name, imageId, ...size, ...work, ...place };
    return createSandbox(account, ask, app, true).id;
  });
}

export const openControl = (account: Account) => ({
  living: (): Living[] => [...account.sandboxes.values()].filter(isAlive).map(living),
  bill: (): Billed[] =>
    [...account.sandboxes.values()].filter(({ isForeign }) => !isForeign).map((one) => billed(account, one)),
  calls: (): readonly string[] => account.calls,
  images: (): ImageSeen[] =>
    [...account.images.values()].map(({ id, digest, base, commands, contents, failure }) => {
      const published = [...account.published].flatMap(([tag, image]) => (image === id ? tag : []));
      return { id, digest, base, commands, contents, isBuilt: failure === undefined, published };
    }),
  deleteImage: (id: string): boolean => account.images.delete(id),
  volumes: () => [...account.volumes.values()],
  makeEnvironment: (name: string): void => void account.environments.set(name, newId("en")),
  makeSecret: (name: string, values: Record<string, string>, environment = mainEnvironment): string =>
    makeSecret(account, { name, values, environment: environmentOf(account, environment) }).id,
  dropSecret: (name: string, environment = mainEnvironment): boolean =>
    account.secrets.delete(findNamed(account.secrets, environment, name)?.id ?? ""),
  makeToken: (id: string, secret: string): void => void account.tokens.set(id, secret),
  revokeToken: (id: string): boolean => account.tokens.delete(id),
  /** All that were given out are good no more; new ones are. */
  expireSessions: (): void => account.sessions.clear(),
  change: (options: Changeable): void => void (account.options = { ...account.options, ...options }),
  fault: (call: string, fault: Fault, times: number): void => account.faults.add(call, fault, times),
  failLayer: (text: string, exception: string, code: number = status.failure): void =>
    void account.layerFaults.push({ text, exception, status: code }),
  clearFaults: (): void => {
    account.faults.clear();
    account.layerFaults = [];
  },
  setCapacity: (gpu: string, free: Free): void => {
    account.capacity.set(gpu, free);
    startQueued(account);
  },
  showCards: (gpu: string, lines: readonly string[]): void => account.capacity.show(gpu, lines),
  upgradeGpu: (from: string, to: string): void => account.capacity.upgrade(from, to),
  makeForeign: (app: string, names: readonly string[]): string[] => makeForeign(account, app, names),
  pass: (ms: number): void => account.clock.pass(ms),
  /** It ends at once and so. */
  async end(which: string, { status, exitcode = 0, exception = "" }: Ended): Promise<void> {
    const sandbox = find(account, which);
    const result: Result = { status, exitcode, exception };
    if (sandbox.state === "queued") return finish(account, sandbox, result);
    end(account, sandbox, result);
    const started = await sandbox.up.promise;
    await started?.kill();
    await sandbox.over.promise;
  },
  /** Its machine is taken away: SIGINT, and after the grace it is gone. Which status Modal then gives is not known. */
  async preempt(which: string): Promise<void> {
    const sandbox = find(account, which);
    end(account, sandbox, { status: status.internalFailure, exitcode: 0, exception: "Worker was preempted" }, "SIGINT");
    await sandbox.over.promise;
  },
  async endAll(): Promise<void> {
    for (const sandbox of account.sandboxes.values()) {
      if (!isAlive(sandbox)) continue;
      end(account, sandbox, { status: status.terminated, exitcode: 137 });
      const started = await sandbox.up.promise;
      await started?.kill();
    }
  },
});

export type Control = ReturnType<typeof openControl>;
