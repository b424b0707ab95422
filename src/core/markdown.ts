/**
 * Markdown that is safe to post. Text from agents, repositories and strangers is shown as text: it pings nobody, links
 * nowhere, runs no command and cannot break out of the place it was put in.
 */

/** Text that GitHub renders. A plain string: what comes from outside goes through a function of this file first. */
export type Markdown = string;

/** Ends a mention, a reference, a link or an emoji code; GitHub finds those after escapes and entities are decoded. */
const joint = "\u200b";

/** Terminal colours and the like; then what shows nothing, and what turns the order of the text around it. */
// oxlint-disable-next-line no-control-regex -- control characters are what it removes
const escapeSequences = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/gu;
const invisible =
  // oxlint-disable-next-line no-control-regex -- as above
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

/** The text without what a reader cannot see; lines end in `\n`. */
export const visible = (text: string): string =>
  text
    .replace(/\r\n?/g, "\n")
    .replace(escapeSequences, "")
    .replace(invisible, (found) => (isSurrogate(found) ? "\ufffd" : ""));

const isSurrogate = (found: string): boolean => found.length === 1 && found >= "\ud800" && found <= "\udfff";

const longestRun = (text: string, of: RegExp): number =>
  Array.from(text.matchAll(of)).reduce((longest, found) => Math.max(longest, found[0].length), 0);

/** One code span with exactly this text; line ends become blanks. Nothing for nothing. */
export function inlineCode(text: string): Markdown {
  const line = visible(text).replaceAll("\n", " ");
  if (line === "") return "";
  const ticks = "`".repeat(shortestFree(line));
  // A code span loses one blank at both ends where it has both, and ticks at its ends would join the marks.
  const isStripped = line.startsWith(" ") && line.endsWith(" ") && line.trim() !== "";
  const pad = isStripped || line.startsWith("`") || line.endsWith("`") ? " " : "";
  return `${ticks}${pad}${line}${pad}${ticks}`;
}

/** The smallest number of ticks that does not occur as a run in the text. */
function shortestFree(line: string): number {
  const runs = new Set(Array.from(line.matchAll(/`+/g), (found) => found[0].length));
  let count = 1;
  while (runs.has(count)) count += 1;
  return count;
}

/** A code block that nothing in the text can close. `language` is ours, never a stranger's. */
export function fence(text: string, language = ""): Markdown {
  const shown = visible(text).replace(/\n$/, "");
  const ticks = "`".repeat(Math.max(3, longestRun(shown, /`+/g) + 1));
  return `${ticks}${language}\n${shown}\n${ticks}`;
}

/** Puts Markdown into a quote; a blank line must follow it. Escapes nothing: `quote(plain(text))` for a stranger's words. */
export const quote = (markdown: Markdown): Markdown =>
  markdown
    .split("\n")
    .map((line) => (line === "" ? ">" : `> ${line}`))
    .join("\n");

/**
 * The same text to the eye, and nothing but text to GitHub: no mention, reference, link, HTML, heading, list or command.
 * Code spans on one line stay code spans. Lines stay lines; indentation and repeated empty lines are lost.
 * For places where Markdown is read: not inside a code block or a block of HTML.
 */
export function plain(text: string): Markdown {
  const lines = visible(text).split("\n");
  return lines
    .map((line) => plainSpans(line.trim()))
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

/** `plain` on one line, for headings and list items. Not for the cell of a table: a pipe in a code span would end it. */
export const plainLine = (text: string): Markdown => plainSpans(visible(text).replace(/\s+/g, " ").trim());

const codeSpan = /(?<!`)(`{1,3})(?!`)([^`]+)\1(?!`)/g;

function plainSpans(line: string): Markdown {
  let shown = "";
  let from = 0;
  for (const span of line.matchAll(codeSpan)) {
    if (span[2] === undefined || span[2].trim() === "") continue;
    shown += escaped(line.slice(from, span.index), from) + inlineCode(span[2].replace(/^ (.*) $/, "$1"));
    from = span.index + span[0].length;
  }
  return shown + escaped(line.slice(from), from);
}

/** Marks that mean something wherever they stand, with what stands around them. All others are left, for who reads the source. */
const alive = new RegExp(
  [
    // `]` because names are put into links.
    String.raw`[\x60[\]|~]`,
    String.raw`<(?=[a-z/!?])`,
    // Nothing that looks for the ends of a hidden comment finds one.
    "(?<=<)!",
    "(?<=--)>",
    String.raw`&(?=#?\w{1,40};)`,
    String.raw`\\(?=[!-/:-@[-\x60{-~]|$)`,
    // `$5` is money; between other letters, GitHub reads mathematics.
    String.raw`\$(?!\d)`,
    // The end of a heading.
    "#$",
    String.raw`(?<!\s)\*|\*(?!\s)`,
    String.raw`(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])`,
  ].join("|"),
  "giu",
);

/** `at` is the place of the text in its line. */
function escaped(text: string, at: number): Markdown {
  const still = calmed(text).replace(
    /@(?=\S)|#(?=\d)|GH-(?=\d)|:(?=[\w+-]+:)|:(?=\/\/)|(?:www|mailto:|xmpp:)(?=\S)/gi,
    `$&${joint}`,
  );
  const mark = at === 0 ? blockMark(still) : undefined;
  if (mark === undefined) return still.replace(alive, "\\$&");
  return `${still.slice(0, mark)}\\${still.charAt(mark)}${still.slice(mark + 1).replace(alive, "\\$&")}`;
}

/** Where a line has the mark that would make a list, heading, quote, rule, underline, table or command of it. */
function blockMark(line: string): number | undefined {
  const [, number] = /^(\d{1,9})[.)](?:\s|$)/.exec(line) ?? [];
  if (number !== undefined) return number.length;
  return /^(?:>|#{1,6}(?:\s|$)|[-+*](?:\s|$)|[-=*_+:|\s]+$|\/parhelia\b)/i.test(line) ? 0 : undefined;
}

const emoji = String.raw`\p{Extended_Pictographic}(?:\u200d|\ufe0f|\p{Emoji_Modifier})*\s*`;
const manyEmoji = new RegExp(`((?:${emoji}){5})(?:${emoji}){4,}`, "gu");

/** A wall of emoji, or a letter under a tower of accents, says no more than a few of them. */
const calmed = (text: string): string => text.replace(/(\p{M}{6})\p{M}+/gu, "$1").replace(manyEmoji, "$1… ");

/** Bytes of UTF-8. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** At most `max` bytes of UTF-8 from one end of the text, cut between two characters as people see them. */
export function clipBytes(text: string, max: number, ask: { keep: "start" | "end" }): string {
  if (max <= 0) return "";
  const at = ask.keep === "start" ? fitsFromStart(text, max) : fitsFromEnd(text, max);
  if (at === 0 || at === text.length) return ask.keep === "start" ? text.slice(0, at) : text.slice(at);
  const whole = characterAround(text, at);
  return ask.keep === "start" ? text.slice(0, whole.from) : text.slice(whole.to);
}

/** How many UTF-16 units from the start fit; never half of a pair. */
const fitsFromStart = (text: string, max: number): number =>
  new TextEncoder().encodeInto(text, new Uint8Array(max)).read;

function fitsFromEnd(text: string, max: number): number {
  let at = text.length;
  for (let bytes = 0; at > 0;) {
    const low = text.charCodeAt(at - 1);
    const units = low >= 0xdc00 && low <= 0xdfff && (text.codePointAt(at - 2) ?? 0) > 0xffff ? 2 : 1;
    bytes += units === 2 ? 4 : low < 0x80 ? 1 : low < 0x800 ? 2 : 3;
    if (bytes > max) break;
    at -= units;
  }
  return at;
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
/** Longer characters (a family of emoji has 11 units) may be cut, so that a hostile one cannot cost much. */
const longestCharacter = 64;

/** The character that contains the cut, or nothing of it where the cut is between two. */
function characterAround(text: string, at: number): { from: number; to: number } {
  const start = Math.max(0, at - longestCharacter);
  const window = text.slice(start, at + longestCharacter);
  const found = graphemes.segment(window).containing(at - start);
  const from = start + (found?.index ?? at - start);
  return from === at ? { from: at, to: at } : { from, to: from + (found?.segment.length ?? 0) };
}
