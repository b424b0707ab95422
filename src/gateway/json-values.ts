/**
 * Told before a text is parsed: a few MB of `[],[],` become a hundred times their size in memory, and the whole service
 * stands still until they are read. Such a text costs its sender nothing, so it is refused unread.
 */

const quote = 34;
const comma = 44;
const openBracket = 91;
const backslash = 92;
const openBrace = 123;

/** Whether this JSON may hold more values than `most`. What is no JSON gets some answer, too. */
export function hasMoreValues(text: string, most: number): boolean {
  // Each value but the first follows one of these; an empty list counts as two.
  let values = 1;
  let inString = false;
  for (let at = 0; at < text.length && values <= most; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) inString = !inString;
    else if (inString) at += code === backslash ? 1 : 0;
    else if (code === comma || code === openBracket || code === openBrace) values += 1;
  }
  return values > most;
}
