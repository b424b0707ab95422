/** The backend that the configuration names, and how its sandboxes reach the service: by sockets of their own, or from outside. */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Hono } from "hono";
import { ConfigError, type Config } from "./config.ts";
import type { Clock, Ids } from "./core/ports/clock.ts";
import type { Log } from "./core/ports/log.ts";
import type { Sandboxes } from "./core/ports/sandboxes.ts";
import type { Store } from "./core/ports/store.ts";
import { modalSettings } from "./from-config.ts";
import { listen } from "./gateway/listen.ts";
import { stayHome } from "./records/local-home.ts";
import { pinnedClaudeCode } from "./operator/pinned.ts";
import { openEgress } from "./sandbox/local/egress.ts";
import { findClaude } from "./sandbox/local/find-claude.ts";
import { localPlaces, machineWord } from "./sandbox/local/local-places.ts";
import { openLocalSandboxes } from "./sandbox/local/open-local-sandboxes.ts";
import { replicasAtMost } from "./sandbox/local/slots.ts";
import { takeNumber, takeReplicaNumber } from "./store/replica-number.ts";

export interface Backend {
  readonly sandboxes: Sandboxes;
  /** For every sandbox, beside its own address and token. */
  readonly sandboxEnv: Readonly<Record<string, string>>;
  /** "outside": the gateway has to be where the service listens for the world. */
  readonly reaches: "inside" | "outside";
  /** The sandboxes find the gateway from now on. `close` of the answer closes its doors; the sandboxes live on. */
  serve(gateway: Hono): Promise<{ close(): Promise<void> }>;
  /** Frees what it holds, when the store is closed. */
  release(): void;
}

interface Around {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

/** `store`: whether others share it. `front`: a command at a terminal has no door for sandboxes elsewhere. */
export async function openBackend(
  config: Config,
  around: Around,
  { store, front }: { store: "shared" | "file"; front: "http" | "none" },
): Promise<Backend> {
  const { backend } = config.settings.sandbox;
  if (backend === "local") return openLocal(config, around, store);
  const settings = modalSettings(config);
  if (front === "none") {
    throw new ConfigError(
      'sandbox.backend is "modal": its sandboxes report to the service, and none runs here. Start it (parhelia serve), or set PARHELIA_SANDBOX_BACKEND=local for this machine.',
    );
  }
  // Loaded where it is needed: it is larger than all the rest.
  const { openModalSandboxes } = await import("./sandbox/modal/open-modal-sandboxes.ts");
  const sandboxes = await openModalSandboxes({
    ...settings,
    claudeCode: pinnedClaudeCode(),
    clock: around.clock,
    log: around.log,
  });
  return {
    sandboxes,
    sandboxEnv: {
      PARHELIA_ISOLATION: "modal",
      PARHELIA_WORKSPACE: "/workspace",
      // As the layers of an image make it (sandbox/modal/image-layers.ts).
      PARHELIA_AGENT_USER: "1500",
      PARHELIA_AGENT_HOME: "/home/agent",
    },
    reaches: "outside",
    serve: async () => ({ close: async () => sandboxes.close() }),
    release: () => undefined,
  };
}

async function openLocal(config: Config, around: Around, shares: "shared" | "file"): Promise<Backend> {
  const { settings, root } = config;
  const { log, clock } = around;
  const isShared = shares === "shared";
  const ownFolder = join(root, ".parhelia");
  const home = { machine: machineWord(), root: realpathSync(root) };
  const leaveHome = isShared ? await stayHome(home, around) : undefined;
  const replica = isShared ? takeReplicaNumber(ownFolder, replicasAtMost) : alone;
  const places = localPlaces(root, shares);
  const claude = settings.agent.claude_path ?? findClaude(config.searched);
  if (claude === undefined) log.warn({}, "Claude Code is not installed: agent tasks will fail, commands will run");
  const sandboxes = await openLocalSandboxes({
    isolation: settings.sandbox.isolation,
    socketDirectory: places.sockets,
    stateDirectory: places.sandboxes,
    node: process.execPath,
    readOnly: claude === undefined ? [] : [claude],
    slots: settings.engine.max_sandboxes,
    // Where all numbers are taken, the sandboxes refuse the next one in their own words.
    replica: replica?.number ?? replicasAtMost,
    takeNumber: (number) => (isShared ? takeNumber(ownFolder, number) : undefined),
    microUsdPerHour: settings.sandbox.price_per_hour,
    clock,
    limits: {},
  });
  return {
    sandboxes,
    sandboxEnv: {
      PARHELIA_ISOLATION: settings.sandbox.isolation,
      ...(claude === undefined ? {} : { PARHELIA_AGENT_CLAUDE: claude }),
    },
    reaches: "inside",
    async serve(gateway) {
      const doors = await sandboxes.serve(async ({ directory, connections, network }) => {
        const inside = await listen(gateway, { socket: join(directory, "gateway.sock"), mode: 0o666, connections });
        const egress = await openEgress({
          socketPath: join(directory, "proxy.sock"),
          connections,
          allow: settings.sandbox.allow_hosts,
          origin: settings.github.web_url,
          held: network,
          log: (entry) => log.info(entry, "egress"),
        });
        return { close: async () => void (await Promise.all([inside.close(), egress.close()])) };
      });
      return {
        async close() {
          await doors.close();
          leaveHome?.();
        },
      };
    },
    release: () => replica?.release(),
  };
}

/** The one engine of a file. */
const alone = { number: 0, release: () => undefined };
