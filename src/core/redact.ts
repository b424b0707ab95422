/**
 * Takes secrets out of text: those that the service knows, in the forms in which programs print them, and tokens of a known
 * shape. It is applied where a sandbox's words enter and where the log leaves.
 */
import { knownTexts, type Range } from "./known-texts.ts";

/** The text with `redactedMark` in the place of each secret; all else is unchanged. */
export type Redact = (text: string) => string;

export const redactedMark = "[redacted]";

/** So no text becomes longer than its bound. Shorter values are words that occur by themselves: taking them out would damage texts and tell what they are. */
const leastLength = redactedMark.length;
/** Of a secret on several lines each line of at least this length is one by itself. */
const leastLineLength = 16;
/** So much of a secret is taken out wherever it stands: output is wrapped, and split between events. */
const leastFragment = 20;

/** JSON within JSON writes its breaks with more backslashes. */
const breaks = String.raw`(?:\s|\\{1,4}[nr])`;
const label = "[A-Z ]{0,40}PRIVATE KEY-----";

const shapes = [
  String.raw`pa_t_[a-z0-9]{8}-\d{1,9}\.[\w-]{16,}`,
  // github.md: since 2026 about 520 characters, with dots.
  String.raw`ghs_[\w.-]{16,}`,
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

/** How one byte is written by its number: in JSON, in an address, in hex. */
const numbered = [String.raw`\\{1,4}u00`, "%", ""];

const encodedShapes = beginnings.flatMap((beginning) => [
  ...base64Forms(beginning).map((form) => `${form}[A-Za-z0-9+/_-]{32,}={0,2}`),
  ...numbered.map((before) => {
    const bytes = hex(beginning).replaceAll(/../g, (byte) => before + byte);
    const inAnyCase = bytes.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
    return `${inAnyCase}(?:${before}[0-9a-fA-F]{2}){8,}`;
  }),
]);

const byShape = new RegExp([...shapes, ...encodedShapes].join("|"), "g");

/** `secrets` are whole values; one of several lines is taken out line by line. Its time is linear in the text. */
export function redactor(secrets: readonly string[]): Redact {
  const known = knownTexts(piecesOf(secrets, leastLength).flatMap(formsOf));
  return (text) => {
    const found = known.find(text, { fragment: leastFragment, edge: leastLength });
    for (const match of text.matchAll(byShape)) found.push({ from: match.index, to: match.index + match[0].length });
    return found.length === 0 ? text : without(text, found);
  };
}

/**
 * Whether bytes, told as latin1 text, hold a secret: a known one of at least 16 characters, whole and in any form that
 * `redactor` takes out, a token of an attempt that `isOurs` knows, or GitHub's token for an installation. Keys that only
 * look like secrets are none, as a repository's own tests may hold them.
 */
export function secretFinder(
  secrets: readonly string[],
  isOurs: (token: string) => boolean,
): (latin1: string) => boolean {
  const known = knownTexts(piecesOf(secrets, leastLineLength).flatMap(formsOf));
  return (latin1) =>
    /ghs_[\w.-]{36,}/.test(latin1) ||
    Array.from(latin1.matchAll(/pa_t_[a-z0-9]{8}-\d{1,9}\.[\w-]{43}/g)).some(([token]) => isOurs(token)) ||
    known.find(latin1, "whole").length > 0;
}

function piecesOf(secrets: readonly string[], least: number): string[] {
  return secrets.flatMap((secret) => {
    // The environment cannot hold line breaks everywhere, so they may be written out.
    const lines = secret.split(/\r\n|\n|\r|\\n/).map((line) => line.trim());
    if (lines.length === 1) return lines.filter((line) => line.length >= least);
    return lines.filter((line) => line.length >= leastLineLength && !line.startsWith("-----"));
  });
}

/** One piece as text, as the bytes of that text, as base64 wherever it begins in its group, as hex. Escapes are read where texts are searched. */
const formsOf = (piece: string): string[] => [
  piece,
  Buffer.from(piece).toString("latin1"),
  ...base64Forms(piece),
  hex(piece),
];

function hex(text: string): string {
  return Buffer.from(text).toString("hex");
}

/** The characters of base64 that depend on the text alone, where 0, 1 or 2 bytes stand before it in its group of three. */
function base64Forms(text: string): string[] {
  return [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]);
    const all = bytes.toString("base64").replace(/=+$/, "");
    const from = [0, 2, 3][before] ?? 0;
    return all.slice(from, bytes.length % 3 === 0 ? all.length : -1);
  });
}

/** One mark for whatever overlaps or touches. */
function without(text: string, found: readonly Range[]): string {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of found.toSorted((a, b) => a.from - b.from)) {
    const before = merged.at(-1);
    if (before !== undefined && from <= before.to) before.to = Math.max(before.to, to);
    else merged.push({ from, to });
  }
  const kept = merged.map(({ from }, index) => text.slice(merged[index - 1]?.to ?? 0, from));
  return [...kept, text.slice(merged.at(-1)?.to ?? 0)].join(redactedMark);
}
