import { array, assert, constantFrom, integer, oneof, property, string } from "fast-check";
import { marked } from "marked";
import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { toString } from "mdast-util-to-string";
import { gfm } from "micromark-extension-gfm";
import { expect, test } from "vitest";
import { parseComment } from "../../src/commands/parse.ts";
import { byteLength, clipBytes, fence, inlineCode, plain, plainLine, quote, visible } from "../../src/core/markdown.ts";

const read = (markdown: string) =>
  fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });

const kindsIn = (node: Nodes): string[] => [node.type, ...("children" in node ? node.children.flatMap(kindsIn) : [])];
const kinds = (markdown: string): string[] => [...new Set(kindsIn(read(markdown)))].sort();

/** What GitHub looks for in rendered text, after Markdown: people, issues, addresses and emoji codes. */
const alive = /@[a-z0-9]|(?<!&)#\d|\bGH-\d|https?:\/\/|\bwww\.|:[\w+-]+:/i;
const shown = (markdown: string): string => toString(read(markdown)).replaceAll("\u200b", "");

const codes = (node: Nodes): string[] =>
  node.type === "inlineCode" || node.type === "code"
    ? [node.value]
    : "children" in node
      ? node.children.flatMap(codes)
      : [];

/** Rendered text outside of code, where GitHub looks for names and links. */
const proseIn = (node: Nodes): string =>
  node.type === "text" ? node.value : "children" in node ? node.children.map(proseIn).join("\n") : "";
const prose = (markdown: string): string => proseIn(read(markdown));

test.each([
  "@dana and @acme/team, mail a@example.com",
  "fixes #12, GH-7 and acme/widgets#9",
  "see https://example.com/x, http://a.b, www.example.com, <https://a.b>",
  "[a](https://a.b) ![b](https://a.b/c.png) [c]: https://a.b",
  "<img src=x onerror=alert(1)><details><summary>a</summary> &lt;b&gt; <!-- c",
  "# a\n## b\n- c\n* d\n+ e\n1. f\n2) g\n> h\n    i\n\tj",
  "a\n===\nb\n---\n***\n___",
  "| a | b |\n|---|---|\n| c | d |",
  "**a** __b__ *c* _d_ ~~e~~ $f$ $$g$$",
  "```\n/parhelia run x\n```\n~~~\n/parhelia run y",
  "/parhelia run x\n/parhelia cancel",
  ":boom: :+1: :a_b:",
  "- [ ] todo\n- [x] done\n[^1] and [^1]: note",
  "`a` ``b ` c`` ` unclosed `` d",
])("plain leaves text and code spans alone: %j", (text) => {
  const markdown = plain(text);
  expect(
    kinds(markdown).filter((kind) => !["root", "paragraph", "text", "inlineCode", "break"].includes(kind)),
  ).toEqual([]);
  expect(prose(markdown)).not.toMatch(alive);
  expect(parseComment(markdown)).toEqual([]);
  expect(marked.parse(markdown)).not.toMatch(/<(?!\/?(?:p|code|br)\b)/);
});

test("plain reads the same as the text", () => {
  expect(shown(plain("Fix src/a_b.ts (see #12) for 1.5 * 2 = 3, @dana & <you>!"))).toBe(
    "Fix src/a_b.ts (see #12) for 1.5 * 2 = 3, @dana & <you>!",
  );
  expect(plain("`Queue.drain` returned `undefined`: it cost $1.12 of $5.00.")).toBe(
    "`Queue.drain` returned `undefined`: it cost $1.12 of $5.00.",
  );
});

test("plain leaves the source readable: only what would come alive is marked", () => {
  const lines = [
    "Something broke on our side (trace 9f3c): retry t_7k2m9x4q, or mail a person!",
    "It costs $0.40 to $1.20 - about 3 < 4 & 5 > 2; 50% of a.b_c-d/e.ts = fine... {x} ^y",
    "1.5 seconds, -5 degrees, +41 −12, #tag, a -> b",
    "`a | b` and `bash -c 'x'`",
  ].join("\n");
  expect(plain(lines)).toBe(lines);
  const alive = ["1. a", "2) b", "- c", "> d", "# e", "---", "/parhelia run", "*f* [g] <h> &amp; ~i~ $j_k$ _l_ -->"];
  expect(plain(alive.join("\n")).split("\n")).toEqual([
    String.raw`1\. a`,
    String.raw`2\) b`,
    String.raw`\- c`,
    String.raw`\> d`,
    String.raw`\# e`,
    String.raw`\---`,
    String.raw`\/parhelia run`,
    String.raw`\*f\* \[g\] \<h> \&amp; \~i\~ \$j_k\$ \_l\_ --\>`,
  ]);
});

test("plain takes out what cannot be seen, and what hides or turns the text around it", () => {
  expect(plain("a\u202eb\u2066c\u0000d\u001b[31me\u001b[0m\u200bf\u{e0041}g\ufeff")).toBe("abcdefg");
  expect(plain("half \ud83d pair")).toBe("half \ufffd pair");
  expect(plain("👩‍👩‍👧 ok")).toBe("👩‍👩‍👧 ok");
});

test("plain calms walls of emoji and towers of accents", () => {
  expect(plain("💣".repeat(500))).toBe(`${"💣".repeat(5)}…`);
  expect(Array.from(plain(`a${"\u0301".repeat(100)}b`)).length).toBe(8);
});

const pieces = constantFrom(
  ..."@a|#1|GH-1|http://|https://a.b/c|www.a.b|:+1:|:a:|[a](b)|![|](|]|[^1]|<b>|<!--|-->|&lt;|`|``|```|~~~|**|_|~~|$|\\|\n|\n\n|\r\n|    |\t|# |- |1. |> |---|===|/parhelia run x|\u200b|\u202e|😀|é|日".split(
    "|",
  ),
  "|",
  "|-|\n",
);
const messy = array(oneof(pieces, string({ unit: "binary", maxLength: 6 })), { maxLength: 30 }).map((parts) =>
  parts.join(""),
);

test("nothing that goes through plain comes alive, quoted or not, and nothing seen is lost", () => {
  assert(
    property(messy, (text) => {
      for (const markdown of [plain(text), plainLine(text)]) {
        const found = kinds(markdown).filter(
          (kind) => !["root", "paragraph", "text", "inlineCode", "break"].includes(kind),
        );
        expect(found).toEqual([]);
        expect(prose(markdown)).not.toMatch(alive);
        expect(parseComment(markdown)).toEqual([]);
        expect(parseComment(quote(markdown))).toEqual([]);
      }
      const inQuote = kinds(quote(plain(text))).filter(
        (kind) => !["root", "paragraph", "text", "inlineCode", "break", "blockquote"].includes(kind),
      );
      expect(inQuote).toEqual([]);
      const letters = (from: string) => from.replace(/[^\p{L}\p{N}]/gu, "");
      expect(letters(shown(plainLine(text)))).toBe(letters(visible(text)));
    }),
    { numRuns: 1000 },
  );
});

test("inlineCode is one code span with exactly this text", () => {
  expect(inlineCode("")).toBe("");
  expect(inlineCode("a")).toBe("`a`");
  expect(inlineCode("`")).toBe("`` ` ``");
  expect(inlineCode("a`b``c")).toBe("```a`b``c```");
  assert(
    property(messy, (text) => {
      const line = visible(text).replaceAll("\n", " ");
      // A paragraph's ends are trimmed, and blanks alone make no span; between letters they do.
      if (line.trim() === "") return;
      const root = read(`x ${inlineCode(text)} y`);
      expect(kindsIn(root)).toEqual(["root", "paragraph", "text", "inlineCode", "text"]);
      expect(codes(root)).toEqual([line]);
    }),
    { numRuns: 1000 },
  );
});

test("nothing in a fence closes it", () => {
  expect(fence("a\n```\nb\n", "text")).toBe("````text\na\n```\nb\n````");
  assert(
    property(messy, (text) => {
      const root = read(`${fence(text, "text")}\n\nbehind`);
      expect(root.children.map((node) => node.type)).toEqual(["code", "paragraph"]);
      expect(codes(root)).toEqual([visible(text).replace(/\n$/, "")]);
    }),
    { numRuns: 1000 },
  );
});

test("a quote holds every line, blank ones too", () => {
  expect(quote("a\n\nb")).toBe("> a\n>\n> b");
  expect(read(`${quote("a\n\n```\nb\n```")}\n\nc`).children.map((node) => node.type)).toEqual([
    "blockquote",
    "paragraph",
  ]);
});

test("clipBytes cuts between characters, from either end", () => {
  expect(clipBytes("aé日😀z", 6, { keep: "start" })).toBe("aé日");
  expect(clipBytes("aé日😀z", 6, { keep: "end" })).toBe("😀z");
  expect(clipBytes("ab👩‍👩‍👧", 10, { keep: "start" })).toBe("ab");
  expect(clipBytes("👩‍👩‍👧ab", 10, { keep: "end" })).toBe("ab");
  expect(clipBytes("abc", 0, { keep: "end" })).toBe("");
  assert(
    property(string({ unit: "grapheme" }), integer({ min: 0, max: 40 }), (text, max) => {
      for (const keep of ["start", "end"] as const) {
        const cut = clipBytes(text, max, { keep });
        expect(byteLength(cut)).toBeLessThanOrEqual(max);
        expect(keep === "start" ? text.startsWith(cut) : text.endsWith(cut)).toBe(true);
        expect(cut.isWellFormed()).toBe(true);
        expect(cut === text).toBe(byteLength(text) <= max);
      }
    }),
    { numRuns: 1000 },
  );
});

test("hostile text is made plain in bounded time", () => {
  for (const piece of ["`", "`a``", "@", ":a", "💣 ", "\u0301", "[", "\\", "\u001b]", "<!--", "#1", " "]) {
    const text = piece.repeat(200_000 / piece.length);
    const started = performance.now();
    plain(text);
    fence(text);
    inlineCode(text);
    expect([piece, performance.now() - started < 3000]).toEqual([piece, true]);
  }
});
