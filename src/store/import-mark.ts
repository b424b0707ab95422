/**
 * How far an import has come, kept in the store that it fills, and written together with what it speaks of: so a killed
 * import goes on where it stopped, and no service starts on half of a state.
 */
import { z } from "zod";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { Refusal } from "../core/refusal.ts";

/** The document's key; records have none like it (records/document.ts). */
export const importKey = "store/import";

const Mark = z.strictObject({
  /** Of the file, as its last line has it: only the same file goes on. */
  sha256: z.string(),
  /** Items of the file, from its first, that are in the store. */
  items: z.int(),
});
export type Mark = z.output<typeof Mark>;

export const markText = ({ sha256, items }: Mark): string => JSON.stringify({ sha256, items });

/** Throws a `Refusal` where the text is none of `markText`. */
export function readMark(text: string): Mark {
  try {
    return Mark.parse(JSON.parse(text));
  } catch (error) {
    throw new Refusal(`The document ${importKey} of the store is damaged. Empty the store and import again.`, {
      cause: error,
    });
  }
}

/** Throws a `Refusal` where an import has begun and not ended: half of the tasks and of the money is not there. */
export async function refuseHalfImported(store: Store, now: Instant): Promise<void> {
  const [mark] = await store.look(now, [{ get: importKey }]);
  if (mark === undefined) return;
  throw new Refusal(
    "An import into this store has not ended. Run the same `parhelia store import` again: it goes on where it stopped.",
  );
}
