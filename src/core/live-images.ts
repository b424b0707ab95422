/**
 * Which images were live under a name, the newest first. What Modal starts sandboxes from is known by Modal alone, so each
 * step begins with the image that it says: a publication that got lost, or one by other means, leads nobody astray.
 */
import { z } from "zod";
import { Instant } from "./instant.ts";

const WasLive = z.object({
  imageId: z.string(),
  /** Absent for one that was published by other means. */
  tag: z.string().optional(),
  at: Instant,
  /** Login of the operator's account on their machine. */
  by: z.string().optional(),
});
export type WasLive = z.output<typeof WasLive>;

export const LiveImages = z.object({ images: z.array(WasLive) });

/** The one that is to be live, and those before it. */
export type LiveNow = readonly [WasLive, ...WasLive[]];

const keptAtMost = 50;

export interface Now {
  /** What Modal says is live. */
  readonly live: string | undefined;
  readonly at: Instant;
}

/** From the one that is live on; what is ahead of it was taken back, or was never published. */
function upTo(history: readonly WasLive[], { live, at }: Now): readonly WasLive[] {
  if (live === undefined) return history;
  const here = history.findIndex(({ imageId }) => imageId === live);
  return here === -1 ? [{ imageId: live, at }, ...history] : history.slice(here);
}

export const promoted = (history: readonly WasLive[], next: WasLive, now: Now): LiveNow => [
  next,
  ...upTo(history, now).slice(0, keptAtMost - 1),
];

/** The image that was live before, or the last one that was live with this tag. Its history is what was before it. */
export function rolledBack(history: readonly WasLive[], tag: string | undefined, now: Now): LiveNow | undefined {
  const past = upTo(history, now);
  const is = (each: WasLive): boolean => each.imageId !== now.live && (tag === undefined || each.tag === tag);
  const [back, ...before] = past.slice(Math.max(0, past.findIndex(is)));
  return back === undefined || !is(back) ? undefined : [back, ...before];
}
