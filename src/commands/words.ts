/** A line in words. Not a shell: quotes group and are removed, and nothing is ever expanded. */

export interface Word {
  readonly text: string;
  /** Where it stands in the line, marks included; `to` is behind it. */
  readonly from: number;
  readonly to: number;
  /** False for a word in quotes, which is never an option. */
  readonly bare: boolean;
  /** A quote was opened and not closed. */
  readonly open: boolean;
}

/** A line as it is shown back, and its words. */
export interface Line {
  readonly text: string;
  readonly words: readonly Word[];
}

/** Phones and editors write a non-breaking blank for a blank, and curly quotes for straight ones. */
const blank = /[\t \u00a0\u2000-\u200a\u202f\u205f\u3000]/;
const closers: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  "`": "`",
  "\u201c": '\u201d"',
  "\u201d": "\u201d",
  "\u201e": "\u201c\u201d",
  "\u2018": "\u2019",
  "\u00ab": "\u00bb",
};

export const isBlank = (character: string): boolean => blank.test(character);

/**
 * Quotes open at the start of a word or behind its `=`, and close at the end of a word; elsewhere they are letters, so that
 * `don't` is one word. In double quotes a backslash stands before `"` and `\` that are meant themselves.
 */
export function readLine(text: string): Line {
  const words: Word[] = [];
  let at = 0;
  while (at < text.length) {
    if (isBlank(text.charAt(at))) at += 1;
    else {
      const word = readWord(text, at);
      words.push(word);
      at = word.to;
    }
  }
  return { text, words };
}

function readWord(text: string, from: number): Word {
  let said = "";
  let at = from;
  let bare = true;
  while (at < text.length && !isBlank(text.charAt(at))) {
    const character = text.charAt(at);
    const closer = closers[character];
    if (closer === undefined || !(at === from || text.charAt(at - 1) === "=")) {
      said += character;
      at += 1;
      continue;
    }
    const quoted = readQuoted(text, at + 1, closer);
    if (quoted === undefined) return { text: text.slice(from), from, to: text.length, bare: at > from, open: true };
    bare &&= at > from;
    said += quoted.said;
    at = quoted.to;
  }
  return { text: said, from, to: at, bare, open: false };
}

function readQuoted(text: string, from: number, closer: string): { said: string; to: number } | undefined {
  let said = "";
  for (let at = from; at < text.length; at += 1) {
    const character = text.charAt(at);
    const next = text.charAt(at + 1);
    if (closer.includes(character) && (next === "" || isBlank(next))) return { said, to: at + 1 };
    const escapes = closer === '"' && character === "\\" && (next === '"' || next === "\\");
    said += escapes ? next : character;
    if (escapes) at += 1;
  }
  return undefined;
}

/** A line from words that a shell has split already; `name` is the first of them. */
export function lineOf(name: string, argv: readonly string[]): Line {
  let text = "";
  const words = [name, ...argv].map((word): Word => {
    const needsQuotes = word === "" || /[\s"]/.test(word);
    const from = text === "" ? 0 : text.length + 1;
    text += `${from === 0 ? "" : " "}${needsQuotes ? JSON.stringify(word) : word}`;
    return { text: word, from, to: text.length, bare: !needsQuotes || word.startsWith("-"), open: false };
  });
  return { text, words };
}
