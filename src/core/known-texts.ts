/**
 * Finds known texts in others, however case, escapes and line breaks write them, in one pass whose time does not grow with
 * the number of known texts: a pattern of them all took 230 ms for 100 KB of backslashes.
 */

/** UTF-16 units of the text that was searched, `to` not included. */
export type Range = { readonly from: number; readonly to: number };

/**
 * `whole` finds complete texts only. Otherwise also parts of a length of at least `fragment`, and where a known text is cut
 * by the beginning or the end of what is searched, at least `edge`.
 */
export type Least = "whole" | { readonly fragment: number; readonly edge: number };

export interface KnownTexts {
  find(text: string, least: Least): Range[];
}

/** Texts are known by groups of so many characters. */
const group = 6;
/** Of a long known text every third group is kept, of a searched text every fifth looked up: among 15 neighbours one is both. */
const keptEvery = 3;
const lookedUpEvery = 5;
/** Below this length every group is kept, as there are not 15 neighbours. */
const long = group + keptEvery * lookedUpEvery - 1;
const shortest = group + lookedUpEvery - 1;

type Plain = { readonly codes: Uint16Array; readonly length: number };
type Kept = { readonly known: Plain; readonly at: number };

/** Texts below 10 characters are not looked for; `fragment` is at least 20 and `edge` at least 10. */
export function knownTexts(texts: readonly string[]): KnownTexts {
  const kept = new Map<number, Kept[]>();
  for (const text of new Set(texts)) {
    const known = plain(text);
    if (known.length < shortest) continue;
    const every = known.length < long ? 1 : keptEvery;
    for (let at = 0; at + group <= known.length; at += every) {
      const hash = hashAt(known.codes, at);
      const same = kept.get(hash) ?? [];
      // One that repeats itself would be compared at each of its places; what runs on is found from the first ones too.
      if (same.filter((each) => each.known === known).length < 3) kept.set(hash, [...same, { known, at }]);
    }
  }
  return {
    find: (text, least) => (text.length < shortest || kept.size === 0 ? [] : search(kept, plain(text), least)),
  };
}

function search(kept: ReadonlyMap<number, Kept[]>, text: Read, least: Least): Range[] {
  const found: Range[] = [];
  const last = text.length - group;
  // At both ends every group, as what is cut there may be short.
  for (let at = 0; at <= last; at += at < keptEvery || at >= last - keptEvery ? 1 : step(last - keptEvery - at)) {
    for (const candidate of kept.get(hashAt(text.codes, at)) ?? []) {
      const same = widest(text, at, candidate);
      if (counts(same, text, candidate.known, least)) {
        found.push({ from: text.starts[same.from] ?? 0, to: text.ends[same.to - 1] ?? 0 });
      }
    }
  }
  return found;
}

const step = (left: number): number => Math.min(lookedUpEvery, left);

type Same = { readonly from: number; readonly to: number; readonly knownFrom: number };

/** How far the two agree around this place. */
function widest(text: Plain, at: number, { known, at: knownAt }: Kept): Same {
  const shift = knownAt - at;
  let from = at;
  while (from > 0 && from + shift > 0 && text.codes[from - 1] === known.codes[from + shift - 1]) from -= 1;
  let to = at;
  while (to < text.length && to + shift < known.length && text.codes[to] === known.codes[to + shift]) to += 1;
  return { from, to, knownFrom: from + shift };
}

function counts({ from, to, knownFrom }: Same, text: Plain, known: Plain, least: Least): boolean {
  const length = to - from;
  if (length === known.length) return true;
  if (least === "whole") return false;
  const isCut = (from === 0 && knownFrom + length === known.length) || (to === text.length && knownFrom === 0);
  return length >= least.fragment || (isCut && length >= least.edge);
}

function hashAt(codes: Uint16Array, at: number): number {
  let hash = 0;
  for (let next = at; next < at + group; next += 1) hash = (Math.imul(hash, 31) + (codes[next] ?? 0)) | 0;
  return hash;
}

/** A text as it is compared, and where each of its characters stood. */
type Read = Plain & { readonly starts: Uint32Array; readonly ends: Uint32Array };

const backslash = 92;
const percent = 37;

/** In lower case, in one alphabet of base64, with escapes read (JSON, JSON within JSON, addresses), without white space. */
function plain(text: string): Read {
  const codes = new Uint16Array(text.length);
  const starts = new Uint32Array(text.length);
  const ends = new Uint32Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length;) {
    let code = text.charCodeAt(at);
    let next = at + 1;
    if (code === backslash) {
      while (next < at + 4 && text.charCodeAt(next) === backslash) next += 1;
      const escaped = afterBackslashes(text, next);
      code = escaped.code;
      next += escaped.length;
    } else if (code === percent) {
      const byte = hexAt(text, next, 2);
      if (byte >= 0) {
        code = byte;
        next += 2;
      }
    }
    // Also control characters: text of two bytes a character has a zero in each.
    if (code > 32) {
      codes[length] = compared(code);
      starts[length] = at;
      ends[length] = next;
      length += 1;
    }
    at = next;
  }
  return { codes, starts, ends, length };
}

function afterBackslashes(text: string, at: number): { code: number; length: number } {
  const letter = text[at] ?? "";
  if ("nrt".includes(letter) && letter !== "") return { code: 32, length: 1 };
  if (letter === '"' || letter === "/") return { code: letter.charCodeAt(0), length: 1 };
  const unit = letter === "u" ? hexAt(text, at + 1, 4) : -1;
  return unit >= 0 ? { code: unit, length: 5 } : { code: backslash, length: 0 };
}

/** The number that so many digits write, or -1. */
function hexAt(text: string, at: number, digits: number): number {
  let value = 0;
  for (let next = at; next < at + digits; next += 1) {
    const digit = digitOf(text.charCodeAt(next));
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function compared(code: number): number {
  if (code >= 65 && code <= 90) return code + 32;
  if (code === 45) return 43;
  return code === 95 ? 47 : code;
}
