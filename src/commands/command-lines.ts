/**
 * Where a text speaks to us. What a reader of the page sees as a line of plain text that starts with `/parhelia` is a
 * command; what is quoted, shown as code, folded into HTML or hidden is not.
 */
import type { Nodes, Paragraph, Root } from "mdast";
import { insideReader, readableTo, readBlocks, type InsideReader } from "./read-markdown.ts";
import { isBlank } from "./words.ts";

export interface CommandLine {
  /** Number of the line, from 1. */
  readonly number: number;
  /** As it was written, from `/parhelia` to its last letter, without what is hidden. */
  readonly text: string;
  /** What stands between this command and the next one, without what is hidden. */
  readonly body: string;
  /** It stands behind what can be read in bearable time, so nobody knows how a page shows it. */
  readonly isUnread?: true;
}

const word = "/parhelia";

/** Commands in the order of their lines. Line ends may be of any kind. */
export function commandLines(comment: string): CommandLine[] {
  const text = comment.replace(/^\ufeff/, "").replace(/\r\n?/g, "\n");
  // Most comments are not for us: they are not parsed at all.
  if (!text.toLowerCase().includes(word)) return [];
  const readable = readableTo(text);
  const root = readBlocks(text.slice(0, readable));
  const readInside = insideReader(definitionsIn(root, text));
  const read = startsIn(root, text, readInside);
  const unread = wordStarts(text, { from: readable, to: text.length }).slice(0, 1);
  const starts = [...read, ...unread];
  const [first] = starts;
  if (first === undefined) return [];
  const hidden = [...hiddenIn(root, { text, first, readInside }), ...commentsIn(text.slice(readable), readable)];
  const numbers = lineNumbers(text, starts);
  return starts.map((start, index) => {
    const end = lineEnd(text, start);
    return {
      number: numbers[index] ?? 0,
      text: shown(text, hidden, { from: start, to: end }).trimEnd(),
      body: shown(text, hidden, { from: end, to: lineStart(text, starts[index + 1] ?? text.length) }).trim(),
      ...(unread.includes(start) ? { isUnread: true } : {}),
    };
  });
}

/** Numbers of the lines that hold these offsets, which ascend. */
function lineNumbers(text: string, offsets: readonly number[]): number[] {
  let number = 1;
  let at = 0;
  return offsets.map((offset) => {
    for (let end = text.indexOf("\n", at); end !== -1 && end < offset; end = text.indexOf("\n", at)) {
      number += 1;
      at = end + 1;
    }
    return number;
  });
}

interface Range {
  readonly from: number;
  readonly to: number;
}

const rangeOf = (node: Nodes): Range | undefined => {
  const { start, end } = node.position ?? {};
  return start?.offset === undefined || end?.offset === undefined ? undefined : { from: start.offset, to: end.offset };
};

const lineStart = (text: string, at: number): number => (at === text.length ? at : text.lastIndexOf("\n", at - 1) + 1);

function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end === -1 ? text.length : end;
}

/** Offsets of `/parhelia` at the start of a line of a paragraph that stands by itself, not in a quote, list or element. */
function startsIn(root: Root, text: string, readInside: InsideReader): number[] {
  const starts: number[] = [];
  const elements = new OpenElements();
  for (const node of root.children) {
    if (node.type === "html") elements.read(node.value);
    if (node.type === "paragraph") starts.push(...startsInParagraph(node, { text, elements, readInside }));
  }
  return starts;
}

interface Around {
  readonly text: string;
  readonly elements: OpenElements;
  readonly readInside: InsideReader;
}

function startsInParagraph(paragraph: Paragraph, { text, elements, readInside }: Around): number[] {
  const range = rangeOf(paragraph);
  if (range === undefined) return [];
  const found = elements.any ? [] : wordStarts(text, range);
  const source = text.slice(range.from, range.to);
  // Without a tag and with nothing before our name, the inside cannot matter.
  if (!source.includes("<") && found.every((start) => start === range.from)) return found;
  const inside = readInside(source);
  // Too tangled to tell: what comes first is still plain, the rest is prose.
  if (inside === undefined) return found.filter((start) => start === range.from);
  const marked = inside.flatMap((node) => {
    const at = node.type === "text" || node.type === "break" ? undefined : rangeOf(node);
    if (at === undefined) return [];
    const html = node.type === "html" ? node.value : undefined;
    return [{ from: range.from + at.from, to: range.from + at.to, html }];
  });
  const plain = found.filter((start) => {
    const before = marked.filter((mark) => mark.to <= start);
    const open = elements.with(before.map((mark) => mark.html ?? "").join(""));
    return !open.any && !marked.some((mark) => mark.from <= start && start < mark.to);
  });
  elements.read(marked.map((mark) => mark.html ?? "").join(""));
  return plain;
}

const definitionsIn = (root: Root, text: string): string =>
  root.children
    .flatMap((node) => (node.type === "definition" ? (rangeOf(node) ?? []) : []))
    .map(({ from, to }) => text.slice(from, to))
    .join("\n");

function wordStarts(text: string, { from, to }: Range): number[] {
  const starts: number[] = [];
  for (let line = from; line < to; line = lineEnd(text, line) + 1) {
    let at = line;
    while (at < to && isBlank(text.charAt(at))) at += 1;
    const behind = text.charAt(at + word.length);
    const isWord = text.slice(at, at + word.length).toLowerCase() === word;
    if (isWord && (behind === "" || behind === "\n" || isBlank(behind))) starts.push(at);
  }
  return starts;
}

/** Elements that show what they hold as something other than the writer's own words: folded, quoted, struck out, code. */
const elementTag = /<(\/?)(details|blockquote|q|table|pre|code|samp|kbd|del|s|strike|template)\b[^>]*>/gi;

class OpenElements {
  private readonly open = new Map<string, number>();

  get any(): boolean {
    return [...this.open.values()].some((count) => count > 0);
  }

  with(html: string): OpenElements {
    const both = new OpenElements();
    for (const [name, count] of this.open) both.open.set(name, count);
    both.read(html);
    return both;
  }

  read(html: string): void {
    for (const [, slash, name = ""] of html.replace(comments, "").matchAll(elementTag)) {
      const count = (this.open.get(name.toLowerCase()) ?? 0) + (slash === "/" ? -1 : 1);
      this.open.set(name.toLowerCase(), Math.max(0, count));
    }
  }
}

const comments = /<!--[\s\S]*?(?:-->|$)/g;

/** Comments in HTML behind the first command: whoever approved these words could not see them. */
function hiddenIn(root: Root, ask: { text: string; first: number; readInside: InsideReader }): Range[] {
  const found: Range[] = [];
  const rest: Nodes[] = [root];
  for (let node = rest.pop(); node !== undefined; node = rest.pop()) {
    const range = rangeOf(node);
    if (range === undefined || range.to <= ask.first) continue;
    const source = ask.text.slice(range.from, range.to);
    if (!source.includes("<!--")) continue;
    if (node.type === "html") found.push(...commentsIn(source, range.from));
    else if (node.type === "paragraph") found.push(...commentsInside(source, range.from, ask.readInside));
    else if ("children" in node) rest.push(...node.children);
  }
  return found.sort((a, b) => a.from - b.from);
}

const commentsIn = (source: string, from: number): Range[] =>
  Array.from(source.matchAll(comments), (comment) => {
    const at = from + comment.index;
    return { from: at, to: at + comment[0].length };
  });

/** In a paragraph, a comment in a code span is seen. One too tangled to be read loses what could be a comment. */
function commentsInside(source: string, from: number, readInside: InsideReader): Range[] {
  const inside = readInside(source);
  if (inside === undefined) return commentsIn(source, from);
  return inside.flatMap((node) => {
    const at = node.type === "html" ? rangeOf(node) : undefined;
    return at === undefined ? [] : commentsIn(source.slice(at.from, at.to), from + at.from);
  });
}

function shown(text: string, hidden: readonly Range[], { from, to }: Range): string {
  let said = "";
  let at = from;
  for (const range of hidden) {
    if (range.to <= at || range.from >= to) continue;
    said += text.slice(at, Math.max(at, range.from));
    at = range.to;
  }
  return said + text.slice(at, Math.max(at, to));
}
