/** The right word that a wrong one is likely a slip of: whoever mistypes a command, a key or a GPU is told what there is. */

import { distance } from "fastest-levenshtein";

/** Longer words are no slips, and comparing them would cost their length squared. */
const longestWord = 60;

/** The nearest of the right words, as it is written there; undefined where the word is like none. Case does not count. */
export function nearestOf(word: string, right: readonly string[]): string | undefined {
  if (word.length > longestWord) return undefined;
  let near: { readonly word: string; readonly slips: number } | undefined;
  for (const each of right) {
    const slips = distance(word.toLowerCase(), each.toLowerCase());
    if (near === undefined || slips < near.slips) near = { word: each, slips };
  }
  if (near === undefined) return undefined;
  const { length } = near.word;
  return near.slips <= Math.max(2, Math.floor(length / 2)) && near.slips < length ? near.word : undefined;
}

/** A list that is longer says less than it takes to read. */
const shownAtMost = 12;

/** What to do about a name that is not known: ` Did you mean port?`, or what is known, or nothing. */
export function nameHint(name: string, known: readonly string[]): string {
  const near = nearestOf(name, known);
  if (near !== undefined) return ` Did you mean ${near}?`;
  return known.length > 0 && known.length <= shownAtMost ? ` Known: ${known.join(", ")}.` : "";
}
