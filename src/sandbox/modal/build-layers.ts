/**
 * Building an image on Modal, by the public calls of its client. Each layer is built by itself, because the client shows no
 * log of a build: which layer failed is all that it can tell.
 */
import type { App, Image, ModalClient } from "modal";
import { Refusal } from "../../core/refusal.ts";
import type { Layer } from "./image-layers.ts";

export interface BuildGround {
  readonly client: ModalClient;
  readonly app: App;
  readonly appName: string;
}

export interface Build {
  /** In a registry. */
  readonly base: string;
  /** The base itself first. */
  readonly layers: readonly Layer[];
  /** Hears of each layer before it is built. */
  tell(line: string): void;
}

/** The `Refusal` of a layer that fails names it, with the cure. */
export async function buildLayers(
  { client, app, appName }: BuildGround,
  { base, layers, tell }: Build,
): Promise<Image> {
  let built: Image | undefined;
  for (const [at, { name, commands, cure }] of layers.entries()) {
    const which = `layer ${at + 1} of ${layers.length}, ${name}`;
    tell(`Building ${which}`);
    const next = built === undefined ? client.images.fromRegistry(base) : built;
    built = await next
      .dockerfileCommands([...commands])
      .build(app)
      .catch((error: unknown) => {
        throw unbuilt(error, { which, cure, app: appName });
      });
  }
  if (built === undefined) throw new Error("The recipe has no layers.");
  return built;
}

interface Failed {
  readonly which: string;
  readonly cure: string;
  readonly app: string;
}

/** Of a call that failed on its way it is no word about the layer, and such an error has a code. */
function unbuilt(error: unknown, { which, cure, app }: Failed): unknown {
  if (!(error instanceof Error) || "code" in error) return error;
  const said = error.message.replaceAll(/\s+/g, " ").slice(0, 500);
  return new Refusal(
    `Modal could not build ${which}. It says: ${said}\n${cure}\nModal shows the log of the build on its page of the app ${app} alone: https://modal.com/apps`,
    { cause: error },
  );
}
