/** The key from which attempt tokens are derived: made once for each store, so that tokens outlive the service. */
import { z } from "zod";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { kept, keys } from "./document.ts";

const Key = z.object({ key: z.string().min(32) });

/** `candidate` becomes the key where there is none yet. */
export async function gatewayKey(store: Store, ask: { candidate: string; now: Instant; op: string }): Promise<string> {
  const value = Key.parse({ key: ask.candidate });
  await store.commit({ op: ask.op, now: ask.now, put: [{ key: keys.gatewayKey, value, ensure: true }] });
  const [document] = await store.look(ask.now, [{ get: keys.gatewayKey }]);
  const stored = kept(Key, document);
  if (stored === undefined) throw new Error("The store did not keep the gateway's key.");
  return stored.value.key;
}
