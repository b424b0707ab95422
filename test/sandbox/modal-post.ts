/** A place where the commands of sandboxes on the stand-in for Modal report, with backends as services would open them. */
import { onTestFinished } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import type { Log } from "../../src/core/ports/log.ts";
import type { SandboxSpec } from "../../src/core/ports/sandboxes.ts";
import type { ModalSandboxes, ModalSandboxesOptions } from "../../src/sandbox/modal/open-modal-sandboxes.ts";
import { openModal, type ModalOptions, type ModalWorld } from "../world/modal/open-modal.ts";
import { openEar } from "./ear.ts";
import { name } from "./post.ts";

// The client reads its configuration file when it is imported.
process.env["MODAL_CONFIG_PATH"] = "/no-such/modal.toml";
const { ModalClient } = await import("modal");
const { openModalSandboxes } = await import("../../src/sandbox/modal/open-modal-sandboxes.ts");

const image = "parhelia:live";

/** With the image of the sandboxes. One for a file: the client finds it by variables of this process. */
export async function openAccount(options: ModalOptions = {}): Promise<ModalWorld> {
  const world = await openModal({ graceMs: 100, ...options });
  Object.assign(process.env, world.environment());
  const client = new ModalClient({ logLevel: "error" });
  const app = await client.apps.fromName("images", { createIfMissing: true });
  const built = await client.images.fromRegistry("node:24-bookworm").build(app);
  await built.publish(image);
  client.close();
  return world;
}

export interface ModalPost {
  readonly app: string;
  /** Another life of the service, unless it is told of another app. */
  open(changes?: Partial<ModalSandboxesOptions>): Promise<ModalSandboxes>;
  /** A spec whose shell script runs with `say`, which sends its standard input here. */
  spec(n: number, script: string, changes?: Partial<SandboxSpec>): SandboxSpec;
  /** The next thing said that was not heard yet. */
  heard(withinMs?: number): Promise<string>;
  /** Names of what lives in the app, as Modal knows it. */
  living(): Promise<(string | undefined)[]>;
  /** What was logged. */
  readonly logged: readonly string[];
}

const say = `
say() { node -e 'const s=require("net").connect(+process.env.GATEWAY.split(":")[1],"127.0.0.1");process.stdin.pipe(s);s.on("close",()=>process.exit())'; }
`;

let apps = 0;

/** With a GPU, sandboxes are of Modal's old backend (V1). */
export async function openModalPost(world: ModalWorld, gpu: string | undefined): Promise<ModalPost> {
  const app = `parhelia-${(apps += 1)}`;
  const logged: string[] = [];
  const ear = await openEar({ port: 0, host: "127.0.0.1" });
  const write = (facts: object, message: string): void => void logged.push(`${message} ${JSON.stringify(facts)}`);
  const log: Log = { info: () => undefined, warn: write, error: write };
  const options: ModalSandboxesOptions = {
    tokenId: world.tokenId,
    tokenSecret: world.tokenSecret,
    environment: undefined,
    app,
    image,
    regions: [],
    volume: "parhelia-data",
    network: "list",
    gateway: "https://parhelia.example.org",
    forge: "github.com",
    hosts: [],
    clock: { now: () => Instant.parse(Date.now()) },
    claudeCode: "2.1.330",
    patienceMs: 1500,
    log,
  };
  onTestFinished(async () => {
    await world.faults.clear();
    await world.change({ pageSize: 100, listLagMs: 0 });
    for (const each of await world.living()) {
      if (each.app === app) await world.faults.end(each.sandboxId, { status: 3 });
    }
    await ear.close();
  });
  return {
    app,
    logged,
    async open(changes = {}) {
      const sandboxes = await openModalSandboxes({ ...options, ...changes });
      onTestFinished(() => sandboxes.close());
      return sandboxes;
    },
    spec: (n, script, changes = {}) => ({
      name: name(n),
      command: ["sh", "-c", say + script],
      resources: { cpu: 1, memoryMiB: 512, ...(gpu === undefined ? {} : { gpu }) },
      lifetimeMs: 60_000,
      ...changes,
      env: { GATEWAY: `127.0.0.1:${ear.port}`, ...changes.env },
    }),
    heard: ear.heard,
    living: async () => (await world.living()).filter((each) => each.app === app).map((each) => each.name),
  };
}
