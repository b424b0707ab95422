/**
 * The services of a world: one on a file of its own, or several that share a database. Deliveries and sandboxes come to
 * each in turn, as through a load balancer, and a dead one is replaced when told.
 */
import { join } from "node:path";
import type { Instant } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import type { Life, Moment } from "./life.ts";
import { openService, type Around, type Service } from "./service.ts";

export interface Shared {
  readonly replicas: number;
  /** A store of its own on the shared database, for the replica of this name. */
  open(replica: string): Store;
}

export interface Services {
  /** To read what is stored. */
  readonly store: Store;
  /** The first that has died, or else the first. */
  readonly life: Life;
  /** Of each service, in order. */
  readonly lives: readonly Life[];
  /** Does all that is due at this instant. `nextAt` is undefined where nothing is, or nobody lives to do it. */
  dispatch(): Promise<{ readonly nextAt: Instant | undefined }>;
  reconcile(): Promise<void>;
  webhook(request: Request): Promise<Response>;
  gateway(request: Request): Promise<Response>;
  /** Those that have died are replaced, or the first where none has; the new ones die when told. */
  restart(death?: Moment): Promise<void>;
  close(): Promise<void>;
}

interface Stores {
  readonly reader: Store;
  /** For a new service, in the place of one that is dead. */
  open(): Store;
  close(): Promise<void>;
}

export function openServices(
  around: Around,
  where: { readonly directory: string; readonly shared: Shared | undefined },
  death: Moment | undefined,
): Services {
  const { clock } = around;
  const stores = where.shared === undefined ? fileStores(where.directory, clock.now) : sharedStores(where.shared);
  const count = where.shared?.replicas ?? 1;
  const services = Array.from({ length: count }, (_, n) =>
    openService(around, stores.open(), n === 0 ? death : undefined),
  );
  let turn = 0;
  const living = (): Service[] => services.filter(({ life }) => !life.isOver);
  /** A dead one where none lives: it gives no answer. */
  const next = (): Service => {
    const able = living().length > 0 ? living() : services;
    turn += 1;
    const chosen = able[turn % able.length];
    if (chosen === undefined) throw new Error("a world has at least one service");
    return chosen;
  };
  const tick = async ({ engine, life }: Service) => {
    const ticked = await Promise.race([engine.tick(), life.over]);
    await Promise.race([engine.idle(), life.over]);
    return ticked ?? undefined;
  };
  return {
    get store() {
      return stores.reader;
    },
    get life() {
      return (services.find(({ life }) => life.isOver) ?? services[0] ?? next()).life;
    },
    get lives() {
      return services.map(({ life }) => life);
    },
    async dispatch() {
      for (let round = 0; round < 500; round += 1) {
        const ticks = [];
        for (const service of living()) ticks.push(await tick(service));
        const done = ticks.filter((each) => each !== undefined);
        if (done.length === 0 || living().length === 0) return { nextAt: undefined };
        if (done.every(({ started }) => started === 0)) return { nextAt: done[0]?.nextAt };
      }
      throw new Error("The engine never comes to rest at this instant.");
    },
    async reconcile() {
      const { engine, life } = next();
      await Promise.race([engine.reconcile(), life.over]);
    },
    webhook: (request) => next().webhook(request),
    gateway: (request) => next().gateway(request),
    async restart(newDeath) {
      const dead = services.filter(({ life }) => life.isOver);
      for (const old of dead.length > 0 ? dead : services.slice(0, 1)) {
        old.life.end();
        await old.store.close();
        services[services.indexOf(old)] = openService(around, stores.open(), newDeath);
      }
    },
    async close() {
      for (const { store } of services) await store.close();
      await stores.close();
    },
  };
}

function fileStores(directory: string, now: () => Instant): Stores {
  const path = join(directory, "orchestrator.db");
  let store: Store | undefined;
  return {
    get reader() {
      if (store === undefined) throw new Error("no service has opened the file yet");
      return store;
    },
    open() {
      // The lock of the engine proves that the dead one holds nothing.
      store = openSqliteStore({ path, pollMs: 0, leasesUntil: now() });
      return store;
    },
    close: async () => undefined,
  };
}

function sharedStores({ open }: Shared): Stores {
  const reader = open("reader");
  let count = 0;
  return { reader, open: () => open(`replica-${(count += 1)}`), close: () => reader.close() };
}
