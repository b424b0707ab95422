/**
 * Markdown as GitHub reads it, in time that a hostile text cannot stretch. The parser needs minutes for 64 KB of brackets or
 * of nested quotes (measured: 49 s for `]`, 205 s for `>- `), and anybody may comment. So blocks are read without what is
 * inside them, nesting is bounded, and the inside is read only where it is asked for and not too tangled.
 */
import type { PhrasingContent, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";

// Without the search for addresses in plain text, which recurses: a deep quote would overflow the stack.
const handlers = gfmFromMarkdown().map((extension) => ({ ...extension, transforms: [] }));

const { text: _, ...gfmBlocks } = gfm();
const noInline = [
  "attention",
  "autolink",
  "characterEscape",
  "characterReference",
  "codeText",
  "hardBreakEscape",
  "htmlText",
  "labelEnd",
  "labelStartImage",
  "labelStartLink",
];

/** The blocks of a text with `\n` line ends; the text inside of them is not read. */
export const readBlocks = (text: string): Root =>
  fromMarkdown(bounded(text), {
    extensions: [gfmBlocks, { disable: { null: noInline } }],
    mdastExtensions: handlers,
  });

/** What is inside a paragraph, with places counted from its start; undefined where that would take too long. */
export type InsideReader = (paragraph: string) => PhrasingContent[] | undefined;

/** Marks times letters, over a whole comment: 2,000 marks in 2,000 letters, or 60 in 60,000. Some 50 ms. */
const mostWork = 4_000_000;
/** What a letter takes, as if there were so many marks. */
const baseWork = 10;

/** `definitions` are what the links of this comment may refer to. */
export function insideReader(definitions: string): InsideReader {
  let left = mostWork;
  return (paragraph) => {
    const text = `${paragraph}\n\n${definitions}`;
    const marks = paragraph.match(/[*_~[\]`<!&\\]/g)?.length ?? 0;
    left -= (marks + baseWork) * text.length;
    if (left < 0) return undefined;
    const [first] = fromMarkdown(text, { extensions: [gfm()], mdastExtensions: handlers }).children;
    return first?.type === "paragraph" ? first.children : undefined;
  };
}

const deepest = 16;
/**
 * The parser goes through all that it has read whenever a quote or a list inside another ends: openings times letters before
 * them, over a whole comment. Two seconds at most; without it 130 s for `> a` and a blank line, over and over.
 */
const mostOpenings = 5_000_000;

const container = /([ \t]*)(?:(>)|(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$))/y;
const rule = /^[ \t]*([-*])(?:[ \t]*\1)+[ \t]*$/;

/**
 * Quotes and lists beyond a depth in one line, or a number in all, that no person writes become letters; every place stays
 * where it was.
 */
function bounded(text: string): string {
  let left = mostOpenings;
  let before = 0;
  let quotes = 0;
  const lines = text.split("\n").map((line) => {
    const all = containersOf(line);
    const kept = all.slice(0, deepest);
    const opened = Math.max(0, quotesIn(kept) - quotes) + kept.filter(({ kind }) => kind === "inner list").length;
    left -= opened * before;
    before += line.length + 1;
    const from = left < 0 ? 0 : (kept.at(-1)?.end ?? 0);
    const to = all.at(-1)?.end ?? 0;
    quotes = left < 0 ? 0 : quotesIn(kept);
    return to === from || rule.test(line) ? line : line.slice(0, from) + "x".repeat(to - from) + line.slice(to);
  });
  return lines.join("\n");
}

interface Container {
  readonly kind: "quote" | "list" | "inner list";
  /** Behind its mark. */
  readonly end: number;
}

const quotesIn = (containers: readonly Container[]): number => containers.filter(({ kind }) => kind === "quote").length;

/** The marks at the beginning of a line, as if each were one; a list is inside another thing where it does not begin the line. */
function containersOf(line: string): Container[] {
  const found: Container[] = [];
  container.lastIndex = 0;
  for (let match = container.exec(line); match !== null; match = container.exec(line)) {
    const [, indent = "", quote] = match;
    const isInner = found.length > 0 || indent !== "";
    found.push({ kind: quote !== undefined ? "quote" : isInner ? "inner list" : "list", end: container.lastIndex });
  }
  return found;
}
