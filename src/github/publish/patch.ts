/**
 * One changed file as a patch that `git apply` takes, and that a comment can carry: what it cannot show as it is (other line
 * ends, bytes, characters that nobody sees) goes as git's binary patch, which is made of plain letters.
 */
import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { formatPatch, OMIT_HEADERS, structuredPatch } from "diff";
import { visible } from "../../core/markdown.ts";
import type { FileMode } from "../../core/protocol.ts";

/** `content` is that of the blob, and for a submodule the id of its commit. */
export type Side = { readonly mode: FileMode; readonly content: Buffer };
export type ChangedFile = {
  readonly path: string;
  readonly before: Side | undefined;
  readonly after: Side | undefined;
};

/** Ends in a line break; nothing where nothing changed. */
export function patchOf(file: ChangedFile): string {
  const { path, before, after } = file;
  if (before === undefined || after === undefined) return before === after ? "" : onePatch(file);
  // Git changes a file into a link by taking one away and making the other.
  if (kindOf(before) !== kindOf(after))
    return onePatch({ path, before, after: undefined }) + onePatch({ path, before: undefined, after });
  return before.mode === after.mode && before.content.equals(after.content) ? "" : onePatch(file);
}

const kindOf = ({ mode }: Side): string => mode.slice(0, 3);

function onePatch({ path, before, after }: ChangedFile): string {
  const [from, to] = [quoted(`a/${path}`), quoted(`b/${path}`)];
  const header = [`diff --git ${from} ${to}`, ...modeLines(before, after)];
  if (before?.content.equals(after?.content ?? Buffer.alloc(0)) === true && after !== undefined)
    return `${header.join("\n")}\n`;
  header.push(indexLine(before, after));
  const hunks = textHunks(before, after);
  if (hunks === undefined) return `${header.join("\n")}\n${binaryPatch(after)}`;
  if (hunks !== "") header.push(`--- ${before ? from : "/dev/null"}`, `+++ ${after ? to : "/dev/null"}`);
  return `${header.join("\n")}\n${hunks}`;
}

function modeLines(before: Side | undefined, after: Side | undefined): string[] {
  if (before === undefined) return after === undefined ? [] : [`new file mode ${after.mode}`];
  if (after === undefined) return [`deleted file mode ${before.mode}`];
  return before.mode === after.mode ? [] : [`old mode ${before.mode}`, `new mode ${after.mode}`];
}

function indexLine(before: Side | undefined, after: Side | undefined): string {
  const mode = before !== undefined && before.mode === after?.mode ? ` ${before.mode}` : "";
  return `index ${idOf(before)}..${idOf(after)}${mode}`;
}

/** Git's own id; a binary patch is taken only where the file before it has this one. */
function idOf(side: Side | undefined): string {
  if (side === undefined) return "0".repeat(40);
  if (side.mode === "160000") return side.content.toString("latin1");
  return createHash("sha1").update(`blob ${side.content.length}\0`).update(side.content).digest("hex");
}

/** More changed lines cost more than they tell a reader. */
const mostEdits = 2_000;

/** Undefined where the text would not survive being shown, or where the two have too little in common. */
function textHunks(before: Side | undefined, after: Side | undefined): string | undefined {
  const [from, to] = [textOf(before), textOf(after)];
  if (from === undefined || to === undefined) return undefined;
  const limit = from === "" || to === "" ? {} : { maxEditLength: mostEdits };
  const found = structuredPatch("", "", from, to, undefined, undefined, { context: 3, ...limit });
  if (found === undefined) return undefined;
  return found.hunks.length === 0 ? "" : formatPatch(found, OMIT_HEADERS);
}

function textOf(side: Side | undefined): string | undefined {
  if (side === undefined) return "";
  if (side.mode === "160000") return `Subproject commit ${side.content.toString("latin1")}\n`;
  const text = side.content.toString("utf8");
  return visible(text) === text && Buffer.from(text, "utf8").equals(side.content) ? text : undefined;
}

function binaryPatch(after: Side | undefined): string {
  const content = after?.content ?? Buffer.alloc(0);
  const packed = deflateSync(content);
  const lines: string[] = [];
  for (let from = 0; from < packed.length; from += lineBytes)
    lines.push(binaryLine(packed.subarray(from, from + lineBytes)));
  return `GIT binary patch\nliteral ${content.length}\n${lines.join("\n")}\n\n`;
}

const lineBytes = 52;
const lengthMarks = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** The digits of git's base 85 (RFC 1924). */
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";

/** How many bytes, then five digits for each four of them. */
function binaryLine(bytes: Buffer): string {
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  bytes.copy(padded);
  let line = lengthMarks.charAt(bytes.length - 1);
  for (let from = 0; from < padded.length; from += 4) {
    let rest = padded.readUInt32BE(from);
    let five = "";
    for (let place = 0; place < 5; place += 1) {
      five = digits.charAt(rest % 85) + five;
      rest = Math.floor(rest / 85);
    }
    line += five;
  }
  return line;
}

/** As git writes a name that is more than plain letters; a blank counts too, since a name ends at one. */
function quoted(name: string): string {
  if (/^[!#-[\]-~]+$/.test(name)) return name;
  const escaped = Array.from(Buffer.from(name, "utf8"), (byte) => {
    const character = String.fromCharCode(byte);
    if (character === '"' || character === "\\") return `\\${character}`;
    return byte >= 0x20 && byte < 0x7f ? character : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
