/** Making a sandbox on Modal: with which image, secrets, files and tags, and what can come of it. */
import {
  AlreadyExistsError,
  ConflictError,
  NotFoundError,
  ResourceExhaustedError,
  type App,
  type ModalClient,
  type SandboxCreateParams,
  type Secret,
  type Volume,
} from "modal";
import { secondMs } from "../../core/instant.ts";
import { secretCommand } from "../../core/modal-secret.ts";
import type { Resources } from "../../core/ports/sandboxes.ts";
import { Refusal } from "../../core/refusal.ts";
import { hasCode, status } from "./codes.ts";
import { volumePath } from "./health-probes.ts";
import { networkOf, type Reach } from "./reach.ts";

export interface Asked {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly reach: Reach;
  /** Names of Modal's secrets whose values its environment gets. */
  readonly secrets: readonly string[];
  /** The folder of the volume that it sees, and nothing beside it. */
  readonly folder: string | undefined;
  /** The published image that it starts from. */
  readonly image: string;
  readonly lifetimeMs: number;
}

/**
 * "taken": one of that name lives. "no capacity": no machine was free within Modal's own time, or too many creations are
 * asked for. "ended": it was ended while it waited.
 */
export type Created = { readonly imageId: string } | "taken" | "no capacity" | "ended";

/** Every sandbox of ours bears the first; the others say what a listing does not. */
export const tags = {
  ours: "parhelia",
  name: "parhelia-sandbox",
  image: "parhelia-image",
  gpu: "parhelia-gpu",
} as const;
export const oursValue = "sandbox";

/** Where a sandbox is made. */
export interface Ground {
  readonly app: App;
  readonly environment: string | undefined;
  readonly regions: readonly string[];
  readonly volume: string | undefined;
}

/** The image each time: another may have been promoted or rolled back to. */
export async function createIn(client: ModalClient, ground: Ground, asked: Asked): Promise<Created> {
  const { app } = ground;
  const { image: imageName } = asked;
  const image = await client.images.fromName(imageName).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    throw new Refusal(
      `Modal has no image ${imageName}. The operator builds one and makes it live (parhelia image build, image promote), or names another (modal.image).`,
      { cause: error },
    );
  });
  const things = { secrets: await secretsOf(client, ground, asked), volumes: await volumesOf(client, ground, asked) };
  try {
    await client.sandboxes.create(app, image, { ...paramsOf(ground, asked), ...things });
    return { imageId: image.imageId };
  } catch (error) {
    if (error instanceof AlreadyExistsError) return "taken";
    if (error instanceof ResourceExhaustedError || hasCode(error, status.resourceExhausted)) return "no capacity";
    if (error instanceof ConflictError) return "ended";
    throw error;
  }
}

/** Everything explicit: Modal's own defaults are five minutes, an eighth of a core and 128 MiB. */
function paramsOf({ regions }: Ground, asked: Asked): SandboxCreateParams {
  const { cpu, memoryMiB, gpu } = asked.resources;
  return {
    name: asked.name,
    tags: {
      [tags.ours]: oursValue,
      [tags.name]: asked.name,
      [tags.image]: asked.image,
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

/** Modal puts their values into the sandbox; they never come through here. */
const secretsOf = (client: ModalClient, { environment }: Ground, { secrets }: Asked): Promise<Secret[]> =>
  Promise.all(
    secrets.map((name) =>
      client.secrets.fromName(name).catch((error: unknown) => {
        if (!(error instanceof NotFoundError)) throw error;
        throw new Refusal(
          `Modal has no secret ${name}, which the repository's settings name (\`sandbox.secrets\`). The operator makes it: ${secretCommand(name, environment)}`,
          { cause: error },
        );
      }),
    ),
  );

/** A volume that is missing is made, as an app is: it is nothing but room. */
async function volumesOf(
  client: ModalClient,
  { volume }: Ground,
  { folder }: Asked,
): Promise<Readonly<Record<string, Volume>>> {
  if (folder === undefined || volume === undefined) return {};
  const whole = await client.volumes.fromName(volume, { createIfMissing: true });
  return { [volumePath]: whole.withMountOptions({ subPath: folder }) };
}
