/** The service: configuration → adapters → loop → listen. Its parts meet here and nowhere else. */
import { randomBytes, randomInt } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Hono } from "hono";
import { assemble } from "./assemble.ts";
import type { Config } from "./config.ts";
import { forgeByPlace } from "./core/forge-by-place.ts";
import { TaskId } from "./core/ids.ts";
import { after, dayMs, Instant, secondMs } from "./core/instant.ts";
import type { Clock, Ids } from "./core/ports/clock.ts";
import type { Store } from "./core/ports/store.ts";
import { redactor } from "./core/redact.ts";
import { startLoop } from "./engine/loop.ts";
import { openEngine } from "./engine/engine.ts";
import { listen } from "./gateway/listen.ts";
import { bundleRunner } from "./gateway/runner-bundle.ts";
import {
  budgetsOf,
  gitHubAccess,
  modelsOf,
  networkOf,
  operatorOf,
  runDefaults,
  secretsGiven,
  secretsOf,
  storePath,
  storePlace,
} from "./from-config.ts";
import { openGitHub } from "./github/open-github.ts";
import { openBackend } from "./open-backend.ts";
import { noSchedule, openSchedule } from "./operator/scheduled-jobs.ts";
import { gatewayKey } from "./records/gateway-key.ts";
import { makeHome } from "./sandbox/local/local-places.ts";
import { refuseHalfImported } from "./store/import-mark.ts";
import { openForEngine, type StorePlace } from "./store/open-store.ts";
import { openLocalForge } from "./terminal/local-forge.ts";
import type { OpenedLog } from "./terminal/log.ts";
import { healthRoutes } from "./web/health.ts";

export const systemClock: Clock = { now: () => Instant.parse(Date.now()) };

export const randomIds: Ids = {
  task: () => TaskId.parse(`t_${Array.from({ length: 8 }, () => randomInt(36).toString(36)).join("")}`),
  trace: () => randomBytes(8).toString("hex"),
  unique: () => randomBytes(16).toString("hex"),
};

export interface Service {
  readonly store: Store;
  /** Port of its HTTP side, where it has one. */
  readonly port: number | undefined;
  /** What the sandboxes cannot be held to, one sentence each. */
  readonly shortcomings: readonly string[];
  /** Starts nothing new, lets what is under way end for some seconds, and frees everything. Sandboxes live on. */
  stop(): Promise<void>;
}

/** Somebody else runs the engine on this store. */
export class EngineTaken extends Error {
  override readonly name = "EngineTaken";
}

/**
 * The lock proves that an earlier engine is dead, so what it held need not run out. But a call that it sent last may still
 * reach GitHub, and looking for what that call makes before it is made would make it twice.
 */
const lingerMs = 5 * secondMs;

/** `front`: the webhook's door and the health checks for a service, nothing for a command at a terminal. */
export async function startService(config: Config, opened: OpenedLog, front: "http" | "none"): Promise<Service> {
  const { settings } = config;
  const { log } = opened;
  const place: StorePlace = front === "http" ? storePlace(config) : { kind: "sqlite", path: storePath(config) };
  const ownFolder = join(config.root, ".parhelia");
  makeHome(ownFolder);
  if (place.kind === "sqlite") mkdirSync(dirname(place.path), { recursive: true, mode: 0o700 });
  const clock = systemClock;
  const claimed = openForEngine(place, { leasesUntil: after(clock.now(), lingerMs), replica: randomIds.unique() });
  if (claimed === undefined) throw new EngineTaken(`Another Parhelia runs the engine of ${storePath(config)}.`);
  const { store } = claimed;
  await refuseHalfImported(store, clock.now());
  const ids = randomIds;
  const candidate = ids.unique() + ids.unique();
  const key = await gatewayKey(store, { candidate, now: clock.now(), op: ids.unique() });
  const secrets = [...secretsOf(config), key];
  opened.redactWith(redactor(secrets));
  const github = front === "http" ? openGitHub({ ...gitHubAccess(config), log, clock, ids, store, fetch }) : undefined;
  const backend = await openBackend(
    config,
    { store, clock, ids, log },
    { store: place.kind === "redis" ? "shared" : "file", front },
  );
  const { sandboxes } = backend;
  const forge = forgeByPlace(clock, openLocalForge(), github?.forge);
  const { room, gateway, modelCalls } = assemble({
    store,
    clock,
    ids,
    log,
    forge,
    workflows: github?.forge.workflows,
    labels: github?.forge.labels,
    sandboxes,
    fetch,
    sandboxEnv: backend.sandboxEnv,
    runner: bundleRunner(),
    key,
    secrets,
    limits: {
      maxSandboxes: settings.engine.max_sandboxes,
      budgets: budgetsOf(config),
      maxWaitMs: settings.sandbox.max_wait,
      keptMs: settings.store.keep_days * dayMs,
      models: modelsOf(config),
      network: networkOf(config),
      secrets: secretsGiven(config),
      confirmAbove: settings.approval.confirm_above,
    },
    operator: operatorOf(config, { github: github?.forge, fetch }),
    schedule: front === "http" ? openSchedule(config, { store, clock, ids, log }) : noSchedule,
    defaults: runDefaults(config),
    model: {
      apiUrl: settings.agent.api_url,
      apiKey: config.secrets.ANTHROPIC_API_KEY ?? "",
      names: modelsOf(config),
    },
  });
  const doors = await backend.serve(gateway);
  const loop = startLoop((moved) => openEngine(room, moved), {
    store,
    clock,
    log,
    reconcileEveryMs: settings.engine.poll_interval,
    quietMs: place.kind === "redis" ? 15 * secondMs : secondMs,
  });
  const outside =
    github === undefined
      ? undefined
      : await listen(
          new Hono()
            .route("/", healthRoutes({ store, clock }))
            .route("/", github.routes)
            .route("/", backend.reaches === "outside" ? gateway : new Hono()),
          settings.server,
        );
  return {
    store,
    port: outside?.port,
    shortcomings: sandboxes.shortcomings,
    async stop() {
      await outside?.close();
      const until = clock.now() + drainMs;
      await loop.drain(drainMs);
      // A call that is cut off is charged at its worst case, so those that end soon are waited for.
      while (modelCalls.size > 0 && clock.now() < until) await sleep(50);
      await doors.close();
      await store.close();
      backend.release();
      claimed.release();
    },
  };
}

/** What is under way at SIGTERM gets this long; the rest is taken up again by the next start. */
const drainMs = 8000;
