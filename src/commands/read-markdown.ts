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
const container = /([ \t]*)(?:(>)|(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$))/y;
const rule = /^[ \t]*([-*])(?:[ \t]*\1)+[ \t]*$/;
const footnote = /^[ \t]*\[\^[^\]]+\]:/;

/** Quotes and lists in one line beyond a depth that no person writes become letters; every place stays where it was. */
const bounded = (text: string): string =>
  text
    .split("\n")
    .map((line) => {
      const marks = marksOf(line);
      const from = marks.slice(0, deepest).at(-1)?.end ?? 0;
      const to = marks.at(-1)?.end ?? 0;
      return to === from || rule.test(line) ? line : line.slice(0, from) + "x".repeat(to - from) + line.slice(to);
    })
    .join("\n");

/**
 * The parser goes through all that it has read whenever a quote, a list or a footnote ends: such beginnings times letters
 * before them, over a whole text. Some two seconds; without it 130 s for `> a` and a blank line, over and over.
 */
const mostBeginnings = 5_000_000;

/**
 * How far a text can be read in bearable time: the beginning of the first line that begins one quote, list or footnote too
 * many, or its length. What is behind that would be another document if only some of its marks were read.
 */
export function readableTo(text: string): number {
  let left = mostBeginnings;
  let at = 0;
  let open = { quotes: 0, isInList: false };
  let wasBlank = true;
  for (const line of text.split("\n")) {
    const marks = marksOf(line).slice(0, deepest);
    const quotes = marks.filter(({ kind }) => kind === "quote").length;
    const lists = marks.filter(({ kind }) => kind === "inner list").length;
    const isList = marks[0]?.kind === "list";
    const begun =
      Math.max(0, quotes - open.quotes) + lists + (isList && !open.isInList ? 1 : 0) + (footnote.test(line) ? 1 : 0);
    left -= begun * at;
    if (left < 0) return at;
    at += line.length + 1;
    const isBlank = line.trim() === "";
    const goesOn = open.isInList && (isBlank || !wasBlank || /^[ \t]/.test(line));
    open = { quotes, isInList: isList || goesOn };
    wasBlank = isBlank;
  }
  return text.length;
}

interface Mark {
  readonly kind: "quote" | "list" | "inner list";
  /** Behind it. */
  readonly end: number;
}

/** Of quotes and lists at the beginning of a line; a list is inside another thing where it does not begin the line. */
function marksOf(line: string): Mark[] {
  const found: Mark[] = [];
  container.lastIndex = 0;
  for (let match = container.exec(line); match !== null; match = container.exec(line)) {
    const [, indent = "", quote] = match;
    const isInner = found.length > 0 || indent !== "";
    found.push({ kind: quote !== undefined ? "quote" : isInner ? "inner list" : "list", end: container.lastIndex });
  }
  return found;
}
