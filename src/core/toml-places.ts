/**
 * Where in a TOML text each key stands, so that a mistake is shown on its line. The text was read as TOML before; this
 * reader only has to find the ends of keys and values, and answers with the line of what is around where it finds less.
 */

/** No settings lie deeper; a hostile key of ten thousand parts would cost its length squared. */
const deepest = 8;

/** The line, from 1, of the key at this path or of the nearest thing around it. */
export type PlaceOf = (path: readonly PropertyKey[]) => number;

export function tomlPlaces(text: string): PlaceOf {
  const lines = new Map<string, number>();
  const counts = new Map<string, number>();
  const note = (path: readonly string[], line: number): void => {
    for (let length = 1; length <= Math.min(path.length, deepest); length += 1) {
      const key = JSON.stringify(path.slice(0, length));
      if (!lines.has(key)) lines.set(key, line);
    }
  };
  let table: readonly string[] = [];
  for (const { line, head, keys } of statements(text)) {
    if (head === "array") {
      const name = JSON.stringify(keys);
      const at = counts.get(name) ?? 0;
      counts.set(name, at + 1);
      table = [...keys, String(at)];
    } else if (head === "table") table = keys;
    note(head === "key" ? [...table, ...keys] : table, line);
  }
  return (path) => {
    for (let length = Math.min(path.length, deepest); length > 0; length -= 1) {
      const line = lines.get(JSON.stringify(path.slice(0, length).map(String)));
      if (line !== undefined) return line;
    }
    return 1;
  };
}

interface Statement {
  readonly line: number;
  readonly head: "table" | "array" | "key";
  readonly keys: readonly string[];
}

const blank = /[\s]*(?:#[^\n]*\n?\s*)*/y;
const opening = /\[{1,2}[ \t]*/y;
const keyPart = /[ \t]*(?:"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)'|([\w-]+))[ \t]*/y;

function* statements(text: string): Generator<Statement> {
  let line = 1;
  let counted = 0;
  const lineAt = (at: number): number => {
    for (; counted < at; counted += 1) if (text[counted] === "\n") line += 1;
    return line;
  };
  for (let at = skip(blank, text, 0); at < text.length; at = skip(blank, text, at)) {
    const from = at;
    const behindOpening = skip(opening, text, at);
    const isArray = text.startsWith("[[", at);
    const read = keyAt(text, behindOpening);
    if (read.keys.length === 0) return;
    const head = behindOpening === from ? "key" : isArray ? "array" : "table";
    yield { line: lineAt(from), head, keys: read.keys };
    at = head === "key" ? endOfValue(text, read.end) : endOfLine(text, read.end);
  }
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

function keyAt(text: string, from: number): { keys: string[]; end: number } {
  const keys: string[] = [];
  for (let end = from; ;) {
    keyPart.lastIndex = end;
    const [whole, quoted, literal, bare] = keyPart.exec(text) ?? [];
    if (whole === undefined) return { keys, end };
    keys.push(quoted === undefined ? (literal ?? bare ?? "") : unescaped(quoted));
    end += whole.length;
    if (text[end] !== ".") return { keys, end };
    end += 1;
  }
}

/** The escapes that TOML shares with JSON; a key with another one is found by the table around it. */
function unescaped(quoted: string): string {
  return quoted.replace(/\\(?:u([0-9a-fA-F]{4})|(["\\]))/g, (_, code: string | undefined, mark: string) =>
    code === undefined ? mark : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end + 1;
}

/** A string of any kind, a comment, or one letter. */
const piece = /"""(?:[^"\\]|\\[\s\S]|"(?!""))*"{3,5}|'''[\s\S]*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|#[^\n]*|[\s\S]/y;

/** A value ends with its line, unless a bracket is open. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length;) {
    piece.lastIndex = at;
    const found = piece.exec(text)?.[0] ?? "";
    at += Math.max(1, found.length);
    if (found === "[" || found === "{") depth += 1;
    else if (found === "]" || found === "}") depth -= 1;
    else if (found === "\n" && depth <= 0) return at;
  }
  return text.length;
}
