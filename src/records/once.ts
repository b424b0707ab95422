/**
 * What a command did is remembered in the commit that did it: carried out again after a crash, it finds that it was done
 * and gives the same answer, rather than one about the state that it brought about itself.
 */
import { z } from "zod";
import { after, dayMs, type Instant } from "../core/instant.ts";
import type { Put, Store } from "../core/ports/store.ts";
import { kept, keys } from "./document.ts";

/** A request is tried for a day. */
const rememberedMs = dayMs;

const Done = z.object({ done: z.literal(true) });

export const donePut = (op: string, now: Instant): Put => ({
  key: keys.done(op),
  value: { done: true },
  until: after(now, rememberedMs),
});

export async function isDone(store: Store, now: Instant, op: string): Promise<boolean> {
  const [document] = await store.look(now, [{ get: keys.done(op) }]);
  return kept(Done, document) !== undefined;
}
