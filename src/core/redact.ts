/**
 * Takes secrets out of text: those that the service knows, in the forms in which programs print them, and tokens of a known
 * shape. It is applied where a sandbox's words enter.
 */

/** The text with `redactedMark` in the place of each secret; all else is unchanged. */
export type Redact = (text: string) => string;

export const redactedMark = "[redacted]";

/** So no text becomes longer than its bound. Shorter values are words that occur by themselves: taking them out would damage texts and tell what they are. */
const leastLength = redactedMark.length;
/** Of a secret on several lines each line of at least this length is one by itself. */
const leastLineLength = 16;

/** The tokens that the service itself gives to sandboxes. */
const ownShapes = [
  String.raw`pa_t_[a-z0-9]{8}-\d{1,9}\.[\w-]{16,}`,
  // github.md: since 2026 about 520 characters, with dots.
  String.raw`ghs_[\w.-]{16,}`,
];

const breaks = String.raw`(?:\s|\\[nr])`;
const label = "[A-Z ]{0,40}PRIVATE KEY-----";

const shapes = [
  ...ownShapes,
  String.raw`gh[pour]_\w{16,}`,
  String.raw`github_pat_\w{16,}`,
  String.raw`sk-ant-[\w-]{8,}`,
  // Whatever follows may be missing, so that the beginning of a key that was cut off is taken too, and nothing is tried twice.
  `-----BEGIN ${label}(?:${breaks}*[A-Za-z0-9+/=]{20,})*(?:${breaks}*(?:[A-Za-z0-9+/=]{1,19}${breaks}*)?-----END ${label})?`,
  String.raw`(?<![A-Za-z0-9])a[ks]-[A-Za-z0-9]{20,}`,
  String.raw`(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Z0-9])`,
  // Only from the start of a word, or a long one would be read again from each of its letters.
  String.raw`(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}`,
];

/** How tokens of unknown value begin; their encodings are known by the encoding of the beginning. */
const beginnings = ["ghs_", "github_pat_", "sk-ant-", "pa_t_"];

/** `secrets` are whole values; one of several lines is taken out line by line. */
export function redactor(secrets: readonly string[]): Redact {
  const pieces = piecesOf(secrets);
  const pattern = new RegExp([...pieces.flatMap(formsOf), ...shapes, ...encodedShapes()].join("|"), "g");
  return (text) => withoutEdges(text, pieces).replace(pattern, redactedMark);
}

/** Longest first, so that a secret within another does not leave the other's rest. */
function piecesOf(secrets: readonly string[]): string[] {
  const pieces = secrets.flatMap((secret) => {
    // The environment cannot hold line breaks everywhere, so they may be written out.
    const lines = secret.split(/\r\n|\n|\r|\\n/).map((line) => line.trim());
    if (lines.length === 1) return lines.filter((line) => line.length >= leastLength);
    return lines.filter((line) => line.length >= leastLineLength && !line.startsWith("-----"));
  });
  return [...new Set(pieces)].toSorted((a, b) => b.length - a.length);
}

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
const hexDigits = (text: string): string =>
  text.replace(/[a-f]/gi, (digit) => `[${digit.toLowerCase()}${digit.toUpperCase()}]`);
const hex = (text: string): string => Buffer.from(text).toString("hex");

/** Patterns of one piece: as text in which any character may be escaped, as base64 wherever it begins in its group, as hex. */
function formsOf(piece: string): string[] {
  return [Array.from(piece, escapable).join(""), ...base64Forms(piece), hexDigits(hex(piece))];
}

/** One character as itself, for JSON (also JSON within JSON), or for an address. */
function escapable(character: string): string {
  const percent = hexDigits(hex(character).replace(/../g, "%$&"));
  const units = Array.from({ length: character.length }, (_, at) =>
    hexDigits(character.charCodeAt(at).toString(16).padStart(4, "0")),
  );
  const json = JSON.stringify(character).slice(1, -1);
  const short = json.length === 2 || character === "/" ? [String.raw`\\{1,4}${literal(json.slice(-1))}`] : [];
  const asPlus = character === " " ? [String.raw`\+`] : [];
  const unicode = units.map((unit) => String.raw`\\{1,4}u${unit}`).join("");
  return `(?:${[...short, literal(character), percent, unicode, ...asPlus].join("|")})`;
}

/** The characters of base64 that depend on the text alone, where 0, 1 or 2 bytes stand before it in its group of three. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    const all = bytes.toString("base64").replace(/=+$/, "");
    const from = [0, 2, 3][before] ?? 0;
    const inner = all.slice(from, bytes.length % 3 === 0 ? all.length : -1);
    return Array.from(inner, base64Character).join("");
  });
}

/** In either alphabet, and as it stands in an address or in JSON. */
function base64Character(character: string): string {
  if (character === "+") return "(?:[+-]|%2[bB])";
  if (character === "/") return String.raw`(?:\\?/|_|%2[fF])`;
  return character;
}

const encodedShapes = (): string[] =>
  beginnings.flatMap((beginning) => [
    ...base64Forms(beginning).map((form) => `${form}[A-Za-z0-9+/_-]{20,}={0,2}`),
    `${hexDigits(hex(beginning))}[0-9a-fA-F]{16,}`,
  ]);

/** Text is cut at its ends before it gets here: what is left of a known secret there goes too. */
function withoutEdges(text: string, pieces: readonly string[]): string {
  let clean = text;
  for (const piece of pieces) {
    const tail = piece.slice(-leastLength);
    const startsWithin = clean.slice(0, piece.length - 1).lastIndexOf(tail) + tail.length;
    if (startsWithin >= tail.length && piece.endsWith(clean.slice(0, startsWithin)))
      clean = redactedMark + clean.slice(startsWithin);
    const last = Math.max(0, clean.length - piece.length + 1);
    const endsFrom = clean.indexOf(piece.slice(0, leastLength), last);
    if (endsFrom !== -1 && piece.startsWith(clean.slice(endsFrom))) clean = clean.slice(0, endsFrom) + redactedMark;
  }
  return clean;
}
