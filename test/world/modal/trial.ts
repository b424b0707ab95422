/** What the tests of the stand-in share: a world of its own for each file, the client, and an app with an image. */
import { afterAll } from "vitest";
import type { App, Image, ModalClient, Sandbox, SandboxCreateParams } from "modal";
import { openModal, type ModalOptions, type ModalWorld } from "./open-modal.ts";

// The client reads its configuration file when it is imported.
process.env["MODAL_CONFIG_PATH"] = "/no-such/modal.toml";
const modal = await import("modal");

export const { AlreadyExistsError, NotFoundError } = modal;

export interface Trial {
  readonly world: ModalWorld;
  readonly client: ModalClient;
  /** One that uses the old backend for all it creates. */
  readonly old: ModalClient;
  readonly app: App;
  /** With Node and Claude Code 2.1.330. */
  readonly image: Image;
  /** A new client: with other credentials, or a limit to how long it lets itself be throttled. */
  another(params?: ConstructorParameters<typeof ModalClient>[0]): ModalClient;
  run(command: readonly string[], params?: SandboxCreateParams): Promise<Sandbox>;
  /** The status of `GenericResult` and the exit code, when it is over. */
  result(sandbox: Sandbox): Promise<[status: number | undefined, exitcode: number | undefined]>;
}

export const claudeLayer = (version: string): string[] => [`RUN npm install -g @anthropic-ai/claude-code@${version}`];

function clientOf(
  world: ModalWorld,
  isV2: "1" | "0",
  params?: ConstructorParameters<typeof ModalClient>[0],
): ModalClient {
  const before = { ...process.env };
  Object.assign(process.env, world.environment(), { MODAL_SANDBOX_V2: isV2 });
  try {
    return new modal.ModalClient({ logLevel: "error", ...params });
  } finally {
    process.env = before;
  }
}

export async function openTrial(options: ModalOptions = {}): Promise<Trial> {
  const world = await openModal({ graceMs: 200, ...options });
  afterAll(() => world.close());
  const client = clientOf(world, "1");
  const app = await client.apps.fromName("parhelia", { createIfMissing: true });
  const base = client.images.fromRegistry("node:24-bookworm");
  const image = await base.dockerfileCommands(claudeLayer("2.1.330")).build(app);
  return {
    world,
    client,
    old: clientOf(world, "0"),
    app,
    image,
    another: (params) => clientOf(world, "1", params),
    run: (command, params) =>
      client.sandboxes.create(app, image, { command: [...command], timeoutMs: 60_000, ...params }),
    async result({ sandboxId }) {
      const asked = { sandboxId, timeout: 10 };
      const { result } = /^sb-.{22}$/.test(sandboxId)
        ? await client.cpClient.sandboxWait(asked)
        : await client.cpClient.sandboxWaitV2(asked);
      return [result?.status, result?.exitcode];
    },
  };
}
