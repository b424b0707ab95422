/** What is known of each image that was built, and which of them were live. */
import { z } from "zod";
import type { Event } from "../core/event.ts";
import { ImageTag } from "../core/image.ts";
import { Instant } from "../core/instant.ts";
import { LiveImages, type WasLive } from "../core/live-images.ts";
import type { Put, Store } from "../core/ports/store.ts";
import { allKept, kept, keys, indexes, sortKey, type Kept } from "./document.ts";
import { eventAppends } from "./events.ts";

/** Optional, so that a release with other probes reads what this one wrote. */
const said = z.string().optional();

export const ImageRecord = z.object({
  tag: ImageTag,
  imageId: z.string(),
  claudeCode: z.string(),
  /** As Node.js says it itself: `v24.21.0`. */
  node: z.string(),
  base: z.string(),
  builtAt: Instant,
  /** Login of the operator's account on their machine. */
  builtBy: z.string(),
  /** What each probe said in a sandbox of the image; it was found right then. */
  smoke: z.object({
    at: Instant,
    found: z.object({ claude: said, node: said, git: said, workspace: said, agent: said }),
  }),
});
export type ImageRecord = z.output<typeof ImageRecord>;

/** `name` is what the tags are tags of. */
interface Of {
  readonly name: string;
  readonly now: Instant;
}

interface Ask extends Of {
  readonly op: string;
  /** Of the document as it was read; 0 where there was none. */
  readonly version: number;
}

/** More than one a week for nine years. */
const listedAtMost = 500;

/** Old to new. */
export async function readImages(store: Store, { name, now }: Of): Promise<ImageRecord[]> {
  const [hits] = await store.look(now, [{ range: indexes.images(name), limit: listedAtMost, back: true }]);
  return allKept(ImageRecord, hits)
    .map(({ value }) => value)
    .toReversed();
}

export async function readImage(
  store: Store,
  tag: ImageTag,
  { name, now }: Of,
): Promise<Kept<ImageRecord> | undefined> {
  const [document] = await store.look(now, [{ get: keys.image(name, tag) }]);
  return kept(ImageRecord, document);
}

/** False where somebody else has written it meanwhile. */
export async function keepImage(store: Store, value: ImageRecord, ask: Ask): Promise<boolean> {
  const key = keys.image(ask.name, value.tag);
  const put = { key, value, entries: [[indexes.images(ask.name), sortKey(value.builtAt)]] as const };
  const { builtAt: at, builtBy, tag, imageId } = value;
  const message = `${builtBy} built image ${tag} (${imageId})`;
  const event: Event = { at, level: "info", type: "image_built", message, details: { tag, image_id: imageId } };
  return keep(store, put, ask, [event]);
}

export async function readLiveImages(store: Store, { name, now }: Of): Promise<Kept<readonly WasLive[]>> {
  const [document] = await store.look(now, [{ get: keys.liveImages(name) }]);
  const found = kept(LiveImages, document);
  return { version: found?.version ?? 0, value: found?.value.images ?? [] };
}

/** Before the first of them is published, so that what was live before it is never forgotten. False as above. */
export const keepLiveImages = (store: Store, images: readonly WasLive[], ask: Ask): Promise<boolean> =>
  keep(store, { key: keys.liveImages(ask.name), value: { images } }, ask, []);

/** When it is published. */
export async function tellLive(store: Store, event: Event, op: string): Promise<void> {
  await store.commit({ op, now: event.at, append: eventAppends([event]) });
}

async function keep(store: Store, put: Put, { now, op, version }: Ask, events: readonly Event[]): Promise<boolean> {
  const versions = [[put.key, version]] as const;
  return (await store.commit({ op, now, versions, put: [put], append: eventAppends(events) })).ok;
}
