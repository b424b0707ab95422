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
const container = /[ \t]*(?:>|(?:[-+*]|\d{1,9}[.)])(?=[ \t]|$))/y;
const rule = /^[ \t]*([-*])(?:[ \t]*\1)+[ \t]*$/;

/** Quotes and lists in one line beyond a depth that no person writes become letters; every place stays where it was. */
const bounded = (text: string): string =>
  text
    .split("\n")
    .map((line) => {
      const from = containersEnd(line, 0, deepest);
      const to = containersEnd(line, from, Infinity);
      return to === from || rule.test(line) ? line : line.slice(0, from) + "x".repeat(to - from) + line.slice(to);
    })
    .join("\n");

function containersEnd(line: string, from: number, most: number): number {
  let at = from;
  for (let count = 0; count < most; count += 1) {
    container.lastIndex = at;
    if (!container.test(line)) break;
    at = container.lastIndex;
  }
  return at;
}
