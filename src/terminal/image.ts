/**
 * `parhelia image …`: what an operator does with the images that sandboxes start from. An image is tried in a sandbox before it
 * gets its tag, so that whatever can be promoted has worked once; and a way back leads to the very image, not to its recipe.
 */
import { faultsOf, ImageTag, outputsOf, weeklyTag, type Findings } from "../core/image.ts";
import { promoted, rolledBack, type LiveNow, type Now, type WasLive } from "../core/live-images.ts";
import type { Clock, Ids } from "../core/ports/clock.ts";
import type { Images } from "../core/ports/images.ts";
import type { Store } from "../core/ports/store.ts";
import { Refusal } from "../core/refusal.ts";
import {
  keepImage,
  keepLiveImages,
  readImage,
  readImages,
  readLiveImages,
  tellLive,
  type ImageRecord,
} from "../records/images.ts";
import { listed, shown, type Live } from "./image-lines.ts";
import type { ImageWords } from "./image-words.ts";

export interface ImageWorld {
  readonly images: Images;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "unique">;
  /** What is started: `parhelia:live`. */
  readonly live: { readonly name: string; readonly tag: string };
  /** Of Modal's, where it is not the account's own. */
  readonly environment: string | undefined;
  /** The version that new images get. */
  readonly claudeCode: string;
  /** Login of the operator's account on this machine. */
  readonly by: string;
  /** What was asked for. */
  say(text: string): void;
  /** What goes on meanwhile. */
  tell(line: string): void;
}

type Asked = Exclude<ImageWords, { kind: "wrong" }>;

/** Throws a `Refusal` where it cannot be done. */
export async function imageCommand(asked: Asked, world: ImageWorld): Promise<void> {
  switch (asked.kind) {
    case "build":
      return build(world, asked);
    case "list":
      return world.say(listed(await everything(world), asked.as));
    case "show":
      return world.say(shown(await everything(world), { which: asked.which, as: asked.as }));
    case "promote":
      return promote(world, asked.tag);
    case "rollback":
      return rollBack(world, asked.tag);
  }
}

const nameOf = ({ environment, live }: ImageWorld): string =>
  environment === undefined ? live.name : `${environment}/${live.name}`;
const published = ({ live }: ImageWorld, tag = live.tag): string => `${live.name}:${tag}`;

async function build(world: ImageWorld, asked: Extract<Asked, { kind: "build" }>): Promise<void> {
  const { images, store, clock, claudeCode, by, tell } = world;
  const startedAt = clock.now();
  const { tag = weeklyTag(startedAt), replaces } = asked;
  const is = published(world, tag);
  const name = nameOf(world);
  const before = await readImage(store, tag, { name, now: startedAt });
  const there = before?.value.imageId ?? (await images.idOf(is));
  if (there !== undefined && replaces === "nothing") {
    throw new Refusal(
      `There is an image ${is} already (${there}). Choose another tag (--tag), or put a new one in its place (--force); the old one stays what it is where it is live.`,
    );
  }
  // Otherwise Modal would give the layers that it built before for this tag, and so the same image.
  const freshness = replaces === "nothing" ? tag : `${tag} ${new Date(startedAt).toISOString()}`;
  const imageId = await images.build({ tag, claudeCode, freshness }, tell);
  tell(`Trying ${imageId} in a sandbox`);
  const found = await images.look(imageId);
  refuseFaulty(found, { claudeCode, imageId, live: published(world) });
  await images.publish(imageId, is);
  const now = clock.now();
  const value: ImageRecord = {
    tag,
    imageId,
    claudeCode,
    node: found.node.output,
    base: images.base,
    builtAt: now,
    builtBy: by,
    smoke: { at: now, found: outputsOf(found) },
  };
  const ask = { name, now, op: world.ids.unique(), version: before?.version ?? 0 };
  if (!(await keepImage(store, value, ask))) throw new Refusal(meanwhile(is));
  world.say(
    `Built ${is} (${imageId}): Claude Code ${claudeCode}, Node.js ${value.node}. To start tasks from it: parhelia image promote ${tag}`,
  );
}

function refuseFaulty(
  found: Findings,
  { claudeCode, imageId, live }: { claudeCode: string; imageId: string; live: string },
): void {
  const faults = faultsOf(found, claudeCode);
  if (faults.length === 0) return;
  const list = faults.map((fault) => `\n  ${fault}`).join("");
  throw new Refusal(
    `The new image ${imageId} does not work, so it got no tag; ${live} is what it was.${list}\nBuild all its layers anew (--force); if that does not help, they are in src/sandbox/modal/image-layers.ts.`,
  );
}

const meanwhile = (what: string): string =>
  `Somebody else changed ${what} at the same time. Look (parhelia image list), and try again.`;

interface Everything {
  readonly images: readonly ImageRecord[];
  /** Undefined where nothing is. */
  readonly live: Live | undefined;
  readonly published: string;
}

async function everything(world: ImageWorld): Promise<Everything> {
  const of = { name: nameOf(world), now: world.clock.now() };
  const [images, history, imageId] = await Promise.all([
    readImages(world.store, of),
    readLiveImages(world.store, of),
    world.images.idOf(published(world)),
  ]);
  const was = history.value.find((each) => each.imageId === imageId);
  const tag = images.find((each) => each.imageId === imageId)?.tag ?? was?.tag;
  return {
    images,
    live: imageId === undefined ? undefined : { imageId, tag, at: was?.at, by: was?.by },
    published: published(world),
  };
}

async function promote(world: ImageWorld, tag: ImageTag): Promise<void> {
  const now = world.clock.now();
  const record = await readImage(world.store, tag, { name: nameOf(world), now });
  if (record === undefined) {
    const known = (await readImages(world.store, { name: nameOf(world), now })).map((each) => each.tag);
    const which = known.length === 0 ? "None was built yet" : `There are ${known.slice(-12).join(", ")}`;
    throw new Refusal(`This service built no image ${tag}. ${which}. Build it: parhelia image build --tag ${tag}`);
  }
  const { imageId } = record.value;
  const next = { imageId, tag, at: now, by: world.by };
  await makeLive(world, (history, at) => promoted(history, next, at));
}

async function rollBack(world: ImageWorld, tag: ImageTag | undefined): Promise<void> {
  const { clock, by, store } = world;
  const now = clock.now();
  const record = tag === undefined ? undefined : await readImage(store, tag, { name: nameOf(world), now });
  await makeLive(world, (history, at) => {
    const back = rolledBack(history, tag, at);
    if (back !== undefined) return [{ ...back[0], at: now, by }, ...back.slice(1)];
    // One that was never live: there is a record, so it was tried.
    if (tag !== undefined && record !== undefined) {
      const next = { imageId: record.value.imageId, tag, at: now, by };
      return promoted(history, next, at);
    }
    throw new Refusal(
      tag === undefined
        ? `No other image was live as ${published(world)}. Name one: parhelia image rollback TAG (parhelia image list)`
        : `No image ${tag} is known here. Those that are: parhelia image list`,
    );
  });
}

type Step = (history: readonly WasLive[], now: Now) => LiveNow;

async function makeLive(world: ImageWorld, step: Step): Promise<void> {
  const { images, store, clock, ids, by, live, say } = world;
  const is = published(world);
  if (ImageTag.safeParse(live.tag).success) {
    throw new Refusal(
      `modal.image is ${is}, the tag of one image, which stays what it is. To promote, set modal.image to ${live.name}:live, or to another image in its place.`,
    );
  }
  const at = clock.now();
  const name = nameOf(world);
  const [history, was] = await Promise.all([readLiveImages(store, { name, now: at }), images.idOf(is)]);
  const wasTag =
    history.value.find((each) => each.imageId === was)?.tag ??
    (await readImages(store, { name, now: at })).find((each) => each.imageId === was)?.tag;
  const next = step(history.value, { live: was, at });
  const [{ imageId, tag }] = next;
  const now = words(imageId, tag);
  if (imageId === was) return say(`${is} is ${now} already.`);
  if (!(await keepLiveImages(store, next, { name, now: at, op: ids.unique(), version: history.version })))
    throw new Refusal(meanwhile(is));
  await images.publish(imageId, is);
  const before = was === undefined ? "nothing" : words(was, wasTag);
  const details = { image: is, image_id: imageId, was: was ?? null };
  const message = `${by} made ${now} the image ${is}; before, it was ${before}`;
  await tellLive(store, { at: clock.now(), level: "info", type: "image_live", message, details }, ids.unique());
  say(`${is} is ${now} now; before, it was ${before}. Tasks that start from now on start from it; what runs goes on.`);
}

const words = (imageId: string, tag: string | undefined): string =>
  tag === undefined ? imageId : `${tag} (${imageId})`;
