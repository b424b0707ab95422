/** Images: a layer a call, kept by what it is made of; published under names. */
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { environmentOf, type Account } from "./account.ts";
import { newId } from "./ids.ts";
import { BuildFailure, buildLayer, nothing, type Contents } from "./layers.ts";
import type { Image } from "./records.ts";
import { checkName, invalid, notFound } from "./refuse.ts";
import { status, type Asked, type Handlers } from "./wire.ts";

/** Throws NOT_FOUND in the words that the client looks for. */
export function imageOf(account: Account, id: string | undefined): Image {
  const found = account.images.get(id ?? "");
  if (found === undefined) throw notFound(`Could not find image with ID ${id}`);
  return found;
}

type Layer = NonNullable<Asked<"imageGetOrCreate">["image"]>;

function built(
  account: Account,
  commands: readonly string[],
  base: Image | undefined,
): Pick<Image, "contents" | "failure"> {
  const scripted = account.layerFaults.find(({ text }) => commands.some((command) => command.includes(text)));
  const contents: Contents = base?.contents ?? nothing;
  if (scripted !== undefined) return { contents, failure: scripted };
  try {
    return { contents: buildLayer(contents, commands), failure: undefined };
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    return { contents, failure: { status: status.failure, exception: error.message } };
  }
}

/** modal.md §3: "no local COPY, no build context". */
function checkLayer(layer: Layer, commands: readonly string[]): void {
  if (commands.length === 0) throw invalid("Image has no dockerfile commands");
  const local = commands.find((command) => /^\s*COPY\s+(?!--from=)/i.test(command));
  if (local !== undefined && (layer.contextFiles ?? []).length === 0) {
    throw invalid(`'${local}' copies from the build context, but the image has none`);
  }
}

function getOrCreate(account: Account, layer: Layer, isForced: boolean): Image {
  const commands = layer.dockerfileCommands ?? [];
  checkLayer(layer, commands);
  const [under] = layer.baseImages ?? [];
  const base = under === undefined ? undefined : imageOf(account, under.imageId);
  const made = [base?.digest, commands, [...(layer.secretIds ?? [])].sort(), layer.gpuConfig?.gpuType ?? ""];
  const digest = createHash("sha256").update(JSON.stringify(made)).digest("hex");
  const kept = [...account.images.values()].findLast((image) => image.digest === digest && image.failure === undefined);
  if (kept !== undefined && !isForced) return kept;
  const readyAt = account.clock.now() + account.options.buildMs;
  const image = { id: newId("im"), digest, base: base?.id, commands, readyAt, ...built(account, commands, base) };
  account.images.set(image.id, image);
  return image;
}

const resultOf = ({ failure }: Image) => ({
  status: failure?.status ?? status.success,
  exception: failure?.exception ?? "",
});

export const imageCalls = (account: Account): Handlers => ({
  async imageGetOrCreate({ appId, image: layer, forceBuild, builderVersion }) {
    if (!account.apps.has(appId ?? "")) throw notFound(`App ${appId} not found`);
    const image = getOrCreate(account, layer ?? {}, forceBuild === true);
    const metadata = { imageBuilderVersion: builderVersion };
    // A layer that is being built has no result yet: the client then asks for its progress.
    if (image.readyAt > account.clock.now()) return { imageId: image.id, metadata };
    return { imageId: image.id, result: resultOf(image), metadata };
  },

  async *imageJoinStreaming({ imageId, timeout = 0 }, { signal }) {
    const image = imageOf(account, imageId);
    yield { entryId: "1-0", taskLogs: image.commands.map((command, n) => ({ data: `Step ${n}: ${command}\n` })) };
    const until = account.clock.now() + timeout * 1000;
    while (account.clock.now() < image.readyAt) {
      if (signal.aborted || account.clock.now() >= until) return;
      await delay(Math.min(20, image.readyAt - account.clock.now()));
    }
    yield { entryId: "2-0", eof: true, result: resultOf(image) };
  },

  async imageFromId({ imageId }) {
    return { imageId: imageOf(account, imageId).id };
  },

  async imageGetByTag({ tag = "", environmentName }) {
    const imageId = account.published.get(`${environmentOf(account, environmentName)}/${tag}`);
    if (imageId === undefined || !account.images.has(imageId)) throw notFound(`Image '${tag}' not found`);
    return { imageId };
  },

  async imagePublish({ imageId, tag = "", environmentName }) {
    const image = imageOf(account, imageId);
    const [name = "", version = ""] = tag.split(":");
    checkName("Image", name);
    checkName("Image tag", version);
    // modal.md §3: "must not start `im-`".
    if (name.startsWith("im-")) throw invalid("Image name cannot start with 'im-' (reserved for image IDs).");
    account.published.set(`${environmentOf(account, environmentName)}/${tag}`, image.id);
    return {};
  },

  async imageDelete({ imageId }) {
    account.images.delete(imageOf(account, imageId).id);
    return {};
  },
});
