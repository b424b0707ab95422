/** JSON text that a store kept. */
import type { Json } from "../core/ports/store.ts";

/** `what` names it where the text is damaged. */
export function storedJson(text: string, what: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    // Without the cause: a SyntaxError quotes the text around the fault, and with it somebody's value.
    throw new Error(`the database holds damaged JSON in ${what}`);
  }
}
