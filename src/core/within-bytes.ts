/**
 * Texts that must fit a limit of GitHub's. What is cut is the middle: the first line says how things stand and the last
 * ones how it ended. A cut must not change what the rest means, or a log that was shown as code would come alive.
 */
import { byteLength, clipBytes, fence, type Markdown } from "./markdown.ts";

export interface Parts {
  /** Stays whole: the hidden marker and the line that says how things stand. */
  readonly head: Markdown;
  /** Loses its middle where there is too much; most of its end is kept. */
  readonly body: Markdown;
  /** Stays whole: what to do next. */
  readonly foot: Markdown;
  /** Where all of it can be read: "on [its page](…)", "with `parhelia events list`". */
  readonly whole: Markdown;
}

/**
 * At most `limit` bytes of UTF-8, blank lines between the parts. GitHub counts more like bytes than characters (check runs:
 * 65,535; comments: 65,536 characters), and bytes are never fewer. Throws where head and foot alone do not fit.
 */
export function withinBytes(parts: Parts, limit: number): Markdown {
  const all = paragraphs(parts.head, parts.body, parts.foot);
  if (byteLength(all) <= limit) return all;
  const bodyBytes = byteLength(parts.body);
  const room = limit - byteLength(paragraphs(parts.head, notice(bodyBytes, parts.whole), parts.foot)) - separators;
  if (room < 0) throw new Error(`The head and foot of a text of ${limit} bytes leave no room for anything else.`);
  const startRoom = Math.floor(room / 4);
  const start = keptStart(parts.body, startRoom);
  const end = keptEnd(parts.body, room - startRoom);
  const leftOut = bodyBytes - start.bytes - end.bytes;
  return paragraphs(parts.head, start.text, notice(leftOut, parts.whole), end.text, parts.foot);
}

const paragraphs = (...texts: Markdown[]): Markdown => texts.filter((text) => text !== "").join("\n\n");
/** Blank lines around the two kept pieces. */
const separators = 8;

const notice = (bytes: number, whole: Markdown): Markdown =>
  `*${bytes.toLocaleString("en")} bytes are left out here. All of it is ${whole}.*`;

interface Piece {
  readonly text: Markdown;
  /** Of the body; without the marks that were added. */
  readonly bytes: number;
}

const nothing: Piece = { text: "", bytes: 0 };

/** `marksBytes` is room for the marks that close and open what a cut goes through; a log may be fenced by very long ones. */
function keptStart(body: Markdown, room: number, marksBytes = 96): Piece {
  const cut = clipBytes(body, room - marksBytes, { keep: "start" });
  const line = lineAround(body, cut.length);
  // In a log a line may be cut; elsewhere half a line could mean anything.
  const inLog = !line.isMark && openAt(body, cut.length).fence !== undefined;
  const end = inLog ? cut.length : line.from;
  // Hidden text must end before the cut, or it swallows the notice and the end.
  const until = openAt(body, end).comment ?? end;
  const open = openAt(body, until);
  const kept = body.slice(0, until);
  if (kept.trim() === "") return nothing;
  const fenceEnd = open.fence === undefined ? "" : `\n${open.fence.prefix}${open.fence.ticks}`;
  const text = `${kept.trimEnd()}${fenceEnd}${"\n\n</details>".repeat(open.folds)}`;
  const over = byteLength(text) - room;
  return over > 0 ? keptStart(body, room, marksBytes + over) : { text, bytes: byteLength(kept) };
}

function keptEnd(body: Markdown, room: number, marksBytes = 96): Piece {
  const cut = clipBytes(body, room - marksBytes, { keep: "end" });
  const line = lineAround(body, body.length - cut.length);
  const at = line.isMark ? line.to : body.length - cut.length;
  const piece = endFrom(body, at, line.isMark || at === line.from);
  const over = byteLength(piece.text) - room;
  return over > 0 ? keptEnd(body, room, marksBytes + over) : piece;
}

function endFrom(body: Markdown, at: number, isLineStart: boolean): Piece {
  const open = openAt(body, at);
  const kept = body.slice(at);
  if (kept.trim() === "") return nothing;
  if (open.fence !== undefined) {
    const text = `${open.fence.opening}\n${isLineStart ? "" : open.fence.prefix}${kept}`;
    return { text, bytes: byteLength(kept) };
  }
  if (open.comment !== undefined) return endFrom(body, endOfComment(body, at), false);
  if (isLineStart) return { text: kept.trimStart(), bytes: byteLength(kept) };
  // Half a line could mean anything: it is left out, or shown as code where there is no other.
  const next = body.indexOf("\n", at);
  if (next !== -1 && body.slice(next).trim() !== "") return endFrom(body, next + 1, true);
  return { text: fence(kept, "text"), bytes: byteLength(kept) };
}

function endOfComment(body: Markdown, at: number): number {
  // The cut may have gone through the mark itself.
  const end = body.indexOf("-->", at - 2);
  return end === -1 ? body.length : end + "-->".length;
}

const fenceMark = /^([ >]*)(`{3,}|~{3,})([^`\n]*)$/;

/** The line that holds this place, from its first character to the first of the next; and whether it opens or closes a fence. */
function lineAround(body: Markdown, at: number): { from: number; to: number; isMark: boolean } {
  const from = body.lastIndexOf("\n", at - 1) + 1;
  const end = body.indexOf("\n", at);
  const to = end === -1 ? body.length : end + 1;
  return { from, to, isMark: at > from && fenceMark.test(body.slice(from, to).trimEnd()) };
}

interface Open {
  readonly fence: { readonly opening: string; readonly prefix: string; readonly ticks: string } | undefined;
  /** `<details>` that are not closed. */
  readonly folds: number;
  /** Where a comment begins that is not closed. */
  readonly comment: number | undefined;
}

/** What is open at this place of the text. */
function openAt(body: Markdown, at: number): Open {
  let fence: Open["fence"];
  let outside = "";
  for (const line of body.slice(0, at).split("\n")) {
    const [, prefix = "", ticks = "", rest = ""] = fenceMark.exec(line) ?? [];
    const closes = fence !== undefined && ticks.startsWith(fence.ticks) && rest.trim() === "";
    if (fence === undefined && ticks !== "") fence = { opening: line, prefix, ticks };
    else if (closes) fence = undefined;
    // Same length, so that a place in `outside` is a place in the body.
    outside += (fence === undefined && ticks === "" ? line : " ".repeat(line.length)) + "\n";
  }
  const count = (pattern: RegExp): number => outside.match(pattern)?.length ?? 0;
  // Behind a backslash it is shown, not a mark.
  const comment = [...outside.matchAll(/(?<!\\)<!--/g)].at(-1)?.index ?? -1;
  return {
    fence,
    folds: Math.max(0, count(/<details\b/gi) - count(/<\/details>/gi)),
    comment: comment > outside.lastIndexOf("-->") ? comment : undefined,
  };
}
