import { array, assert, constantFrom, integer, oneof, property } from "fast-check";
import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { expect, test } from "vitest";
import { byteLength, fence, plain, quote } from "../../src/core/markdown.ts";
import { withinBytes } from "../../src/core/within-bytes.ts";

const limit = 65_535;
const around = {
  head: "<!-- parhelia:task=t_aaaaaaa1 -->\n### Done",
  foot: "Next: `/parhelia retry`",
  whole: "on [its page](https://a.b)",
};
const blocks = (markdown: string) => fromMarkdown(markdown).children;
/** Text outside of code and HTML, where a name pings. */
const textIn = (node: Nodes): string =>
  node.type === "text" ? node.value : "children" in node ? node.children.map(textIn).join("\n") : "";
const bare = (markdown: string): string => textIn(fromMarkdown(markdown));
const codes = (markdown: string) => blocks(markdown).flatMap((node) => (node.type === "code" ? [node.value] : []));

test("what fits is left as it is", () => {
  expect(withinBytes({ ...around, body: "all of it" }, limit)).toBe(`${around.head}\n\nall of it\n\n${around.foot}`);
  expect(withinBytes({ ...around, body: "" }, limit)).toBe(`${around.head}\n\n${around.foot}`);
});

test("case 11: a summary over the limit keeps its end, its fences and its characters", () => {
  const result = "\n\n**128 passed, 2 failed**";
  const log = fence("😀".repeat(47_900), "text");
  const body = `Output:\n\n${log}${result}`;
  expect(body.length).toBeGreaterThan(95_800);
  const cut = withinBytes({ ...around, body }, limit);
  expect(byteLength(cut)).toBeLessThanOrEqual(limit);
  expect(byteLength(cut)).toBeGreaterThan(limit - 400);
  expect(cut.isWellFormed()).toBe(true);
  expect(cut.startsWith(around.head)).toBe(true);
  expect(cut.endsWith(`**128 passed, 2 failed**\n\n${around.foot}`)).toBe(true);
  expect(blocks(cut).map((node) => node.type)).toEqual([
    "html",
    "heading",
    "paragraph",
    "code",
    "paragraph",
    "code",
    "paragraph",
    "paragraph",
  ]);
  for (const code of codes(cut)) expect(code).toMatch(/^(?:😀)+$/u);
  const kept = codes(cut).join("").length * 2;
  const [, said = ""] = /\*([\d,]+) bytes are left out here\. All of it is on \[its page\]/.exec(cut) ?? [];
  expect(Number(said.replaceAll(",", ""))).toBeGreaterThanOrEqual(byteLength(log) - kept - 20);
  expect(Number(said.replaceAll(",", ""))).toBe(47_900 * 4 - kept);
});

test("text that was shown as code is never left bare by a cut", () => {
  const attack = "@dana <!-- /parhelia\n```\n# heading\n";
  const body = `${fence(attack.repeat(5000))}\n\nend`;
  const cut = withinBytes({ ...around, body }, limit);
  expect(blocks(cut).map((node) => node.type)).toEqual([
    "html",
    "heading",
    "code",
    "paragraph",
    "code",
    "paragraph",
    "paragraph",
  ]);
});

test("a fence in a quote is opened again inside of the quote", () => {
  const body = `> \`\`\`\n${"> @dana said\n".repeat(9000)}> \`\`\`\n\nend`;
  const cut = withinBytes({ ...around, body }, limit);
  const quotes = blocks(cut).flatMap((node) =>
    node.type === "blockquote" ? [node.children.map((each) => each.type)] : [],
  );
  expect(quotes).toEqual([["code"], ["code"]]);
});

test("folded and hidden text ends before the cut", () => {
  const lines = "one line\n".repeat(9000);
  const folded = withinBytes(
    { ...around, body: `<details><summary>log</summary>\n\n${lines}\n</details>\n\nend` },
    limit,
  );
  const notice = folded.indexOf("bytes are left out");
  expect(folded.slice(0, notice)).toContain("</details>");
  const hidden = withinBytes({ ...around, body: `start\n\n<!-- ${lines} -->\n\nend` }, limit);
  expect(hidden).not.toContain("one line");
  expect(hidden).toContain("\n\nend\n\n");
});

test("a log behind hidden text leaves no mark of its own where the hidden text is cut off", () => {
  const log = fence("x\n".repeat(50_000));
  const hidden = withinBytes({ ...around, body: `start\n\n<!-- hidden\n\n${log}\n\n-->\n\nend` }, limit);
  expect(blocks(hidden).at(-1)?.type).toBe("paragraph");
  expect(hidden).not.toContain("hidden");
  const shown = withinBytes({ ...around, body: `start\n\n\\<!-- shown\n\n${log}\n\nend` }, limit);
  expect(shown).toContain("\\<!-- shown");
  expect(codes(shown)).toHaveLength(2);
});

test("one endless line is shown as code", () => {
  const cut = withinBytes({ ...around, body: `start\n\n${"@dana ".repeat(20_000)}` }, limit);
  expect(cut).toContain("start");
  expect(codes(cut)).toHaveLength(1);
  expect(blocks(cut).at(-1)?.type).toBe("paragraph");
});

test("fences of hostile length leave the end in place", () => {
  const body = `${fence("`".repeat(3000) + "\n" + "x\n".repeat(50_000))}\n\nend`;
  const cut = withinBytes({ ...around, body }, limit);
  expect(byteLength(cut)).toBeLessThanOrEqual(limit);
  expect(cut).toContain("\n\nend\n\n");
  expect(codes(cut)).toHaveLength(2);
});

test("a head that leaves no room is a fault", () => {
  expect(() => withinBytes({ ...around, body: "x".repeat(500) }, 120)).toThrow("leave no room");
});

const logs = array(constantFrom("```", "@dana", "<!-- c", "</details>", "> q", "", "日本😀".repeat(9)), {
  maxLength: 12,
}).map((lines) => lines.join("\n"));
const written = oneof(
  logs.map((log) => fence(log, "text")),
  logs.map((log) => quote(fence(log))),
  logs.map((log) => quote(plain(log))),
  logs.map((log) => `<details><summary>What it did</summary>\n\n${fence(log)}\n\n${plain(log)}\n\n</details>`),
  logs.map((log) => plain(log)),
  constantFrom("<!-- hidden\n\nlines -->", "- [x] done\n- [ ] todo"),
);

test("every cut of what we write fits, and what is in code stays in code", () => {
  assert(
    property(array(written, { minLength: 3, maxLength: 12 }), integer({ min: 450, max: 1500 }), (parts, most) => {
      const cut = withinBytes({ ...around, body: parts.join("\n\n") }, most);
      expect(byteLength(cut)).toBeLessThanOrEqual(most);
      expect(cut.isWellFormed()).toBe(true);
      const last = blocks(cut).at(-1);
      expect([last?.type, cut.slice(last?.position?.start.offset)]).toEqual(["paragraph", around.foot]);
      expect(bare(cut)).not.toMatch(/@dana|hidden|lines/);
    }),
    { numRuns: 1000 },
  );
});
