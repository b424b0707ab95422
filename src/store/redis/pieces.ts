/** A value that is too long for one request, in pieces. */

/** Between two characters, never within one that takes two units. */
export function* piecesOf(text: string, most: number): Iterable<string> {
  for (let from = 0; from < text.length;) {
    const end = from + most;
    const splits = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1));
    const to = splits ? end - 1 : end;
    yield text.slice(from, to);
    from = to;
  }
}
