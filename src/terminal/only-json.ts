/** How a command is written that shows one thing and takes nothing but `--json`. */
import { visible } from "../core/markdown.ts";

export type OnlyJson<Kind extends string> =
  | { readonly kind: Kind; readonly as: "words" | "json" }
  | { readonly kind: "wrong"; readonly message: string };

/** `words` are those behind `parhelia NAME`. */
export function onlyJson<Kind extends string>(name: string, words: readonly string[], kind: Kind): OnlyJson<Kind> {
  const strange = words.find((word) => word !== "--json");
  if (strange === undefined) return { kind, as: words.length > 0 ? "json" : "words" };
  return { kind: "wrong", message: `\`${name}\` does not take ${visible(strange)}.\n  parhelia ${name} [--json]` };
}
