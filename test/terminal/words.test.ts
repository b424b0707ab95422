import { expect, test } from "vitest";
import { fence, inlineCode, plain } from "../../src/core/markdown.ts";
import { forTerminal } from "../../src/terminal/words.ts";

test("what was made plain for a page reads at a terminal as it was written", () => {
  const text = "bash -c 'x | y' \\ costs $0.00 & more: *a* _b_ [c](d) `e|f` <g> #1 @dana 1. -- and a lone ` here";
  expect(forTerminal(plain(text))).toBe(text.replace("`e|f`", "e|f"));
  expect(forTerminal(plain("1. a\n- b\n/parhelia run c\n---"))).toBe("1. a\n- b\n/parhelia run c\n---");
});

test("code stays as it is, in a line and in a block", () => {
  expect(forTerminal(`${inlineCode("a`b \\* **c**")} and ${inlineCode("`d`")}`)).toBe("a`b \\* **c** and `d`");
  expect(forTerminal(`x\n\n${fence("### a\n\\* **b** `c`\n```\n", "text")}\n\ny`)).toBe(
    "x\n\n    ### a\n    \\* **b** `c`\n    ```\n\ny",
  );
});

test("a table is columns as wide as their widest cell, and what looked like the end of one is a letter", () => {
  const page = [
    "Two:",
    "",
    "| what | a second | note |",
    "|---|---:|:---|",
    `| **a** ${inlineCode("x")} | 0.5 | ${plain("p|q")} |`,
    "| longer | 100.25 |  |",
    "",
    "| not a table |",
  ].join("\n");
  expect(forTerminal(page)).toBe(
    "Two:\n\nwhat    a second  note\na x          0.5  p|q\nlonger    100.25\n\n| not a table |",
  );
  expect(forTerminal(fence("| a |\n|---|\n| b |"))).toBe("    | a |\n    |---|\n    | b |");
});

test("headings, stress, links, folds and hidden lines lose their marks", () => {
  const page =
    "<!-- parhelia task t_1 -->\n### Done\n\nAsked by [dana](http://a.b/#c): *fix `x` now*\n\n**Next.** `retry`\n<details><summary>Its last output</summary>\n\nz\n\n</details>\n<sub>small</sub>";
  expect(forTerminal(page)).toBe(
    "Done\n\nAsked by dana (http://a.b/#c): fix x now\n\nNext. retry\nIts last output:\n\nz\n\n\nsmall",
  );
  expect(forTerminal("write *.example.org or 2 * 3 * 4")).toBe("write *.example.org or 2 * 3 * 4");
});
