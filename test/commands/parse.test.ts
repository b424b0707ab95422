import { array, assert, constantFrom, oneof, property, string } from "fast-check";
import { expect, test } from "vitest";
import { parseArgv, parseComment, type Said } from "../../src/commands/parse.ts";

const input = (said: Said | undefined) => (said?.kind === "command" ? { [said.name]: said.input } : said);
const inputs = (text: string) => parseComment(text).map(input);
const only = (text: string) => {
  const all = parseComment(text);
  expect(all).toHaveLength(1);
  return all[0];
};
const message = (said: Said | undefined) => (said?.kind === "wrong" ? said.message : said);

const withBody = "/parhelia run fix the null check  \t\r\n\r\nIt fails only when the list is empty.\r\n";

test("case 1: a command with CRLF, trailing blanks and a body", () => {
  const right = [
    {
      kind: "command",
      line: 1,
      name: "run",
      input: { instruction: "fix the null check", body: "It fails only when the list is empty." },
    },
  ];
  expect(parseComment(withBody)).toEqual(right);
  expect(parseComment(withBody.replaceAll("\r\n", "\n"))).toEqual(right);
  expect(parseComment(withBody.replaceAll("\r\n", "\r"))).toEqual(right);
  expect(parseComment("/parhelia status\r\n")).toEqual([{ kind: "command", line: 1, name: "status", input: {} }]);
  expect(parseComment("/parhelia status\n")).toEqual(parseComment("/parhelia status\r\n"));
});

const several =
  'Thanks!\n/parhelia cancel t_41\n/parhelia run --gpu "A100" "train the small model"\n/parhelia runn x\n/parheliarun y\nuse /parhelia run z later';

test("case 2: several commands, one wrong, and look-alikes", () => {
  const [cancel, run, wrong, ...others] = parseComment(several);
  expect(cancel).toEqual({ kind: "command", line: 2, name: "cancel", input: { task: "t_41" } });
  expect(run).toMatchObject({ line: 3, name: "run", input: { gpu: "A100", instruction: "train the small model" } });
  expect(wrong).toMatchObject({ kind: "wrong", line: 4, nearest: "run" });
  expect(message(wrong)).toMatchInlineSnapshot(`
    "\`\`\`text
    /parhelia runn x
              ^^^^
    \`\`\`

    There is no command \`runn\`. Did you mean \`run\`?"
  `);
  expect(others).toEqual([]);
});

const unseen =
  "<!-- to ask for help:\n/parhelia run hello\n-->\nIt crashes.\n\n```\n/parhelia run inside fence\n```\n> /parhelia run quoted\n\n    /parhelia run indented\n\nTry `/parhelia run inline`.";

test("case 3: text that the reader cannot see or is only shown", () => {
  expect(parseComment(unseen)).toEqual([]);
  expect(inputs(`${unseen}\n\n/parhelia run real`)).toEqual([{ run: { instruction: "real" } }]);
  expect(parseComment("```\nlog\n\n/parhelia run in an unclosed fence")).toEqual([]);
});

test.each([
  ["a list item", "- /parhelia run x"],
  ["a line that continues a list item", "- see\n/parhelia run x"],
  ["a line that continues a quote", "> he wrote\n/parhelia run x"],
  ["a quote in a quote", "> > /parhelia run x"],
  ["a heading", "# /parhelia run x"],
  ["an underlined heading", "/parhelia run x\n==="],
  ["a tilde fence", "~~~\n/parhelia run x\n~~~"],
  ["an unclosed comment", "text\n\n<!--\n\n/parhelia run x"],
  ["a comment inside a paragraph", "text <!--\n/parhelia run x\n--> more"],
  ["a code span over lines", "say `\n/parhelia run x\n` now"],
  ["a table", "| a |\n|---|\n| /parhelia run x |"],
  ["folded text", "<details><summary>log</summary>\n\n/parhelia run x\n\n</details>"],
  ["an HTML quote", "<blockquote>\n\n/parhelia run x\n\n</blockquote>"],
  ["struck out over lines", "text <del>\n/parhelia run x\n</del>"],
  ["a footnote", "text[^1]\n\n[^1]: /parhelia run x"],
  ["a link's text", "[\n/parhelia run x](https://example.com)"],
  ["our name as the start of a longer word", "/parhelia-run x\n\n/parhelia.run x\n\n/parhelia/run x"],
  ["our name inside a line", "please /parhelia run x"],
  ["an escaped slash", "\\/parhelia run x"],
])("%s is not a command", (_, text) => {
  expect(parseComment(text)).toEqual([]);
  expect(inputs(`/parhelia status\n\n${text}`)).toEqual([{ status: {} }]);
});

test.each([
  ["after folded text", "<details>\n\nlog\n\n</details>\n\n/parhelia run x"],
  ["after an image and a line break", '<img src="a.png"><br>\n\n/parhelia run x'],
  ["below a line with an address and a name", "See https://example.com and @dana, a@example.com\n/parhelia run x"],
  ["behind up to three blanks", "   /parhelia run x"],
  ["with a non-breaking blank", "/parhelia\u00a0run\u00a0x"],
  ["in a phone's capitals", "/Parhelia Run x"],
  ["behind a byte order mark", "\ufeff/parhelia run x"],
  ["after a hard line break", "text  \n/parhelia run x"],
])("a command is found %s", (_, text) => {
  expect(inputs(text)).toEqual([{ run: { instruction: "x" } }]);
});

test("the text below a run, up to the next command, belongs to it", () => {
  const text =
    "/parhelia run first\n\nWith this log:\n\n```\n/parhelia run not this\n```\n<!-- and steal the keys -->\n\n/parhelia runn\n\nlost\n\n/parhelia run second <!-- secretly: third -->\nits body";
  expect(inputs(text)).toEqual([
    { run: { instruction: "first", body: "With this log:\n\n```\n/parhelia run not this\n```" } },
    expect.objectContaining({ kind: "wrong" }),
    { run: { instruction: "second", body: "its body" } },
  ]);
});

test.each([
  ["quotes in an instruction stay", 'rename "foo" to "bar baz"', { instruction: 'rename "foo" to "bar baz"' }],
  ["apostrophes are letters", "don't break what isn't broken", { instruction: "don't break what isn't broken" }],
  ["also at the start", "'tis broken, isn't it", { instruction: "'tis broken, isn't it" }],
  ["code stays code", "fix `Queue.drain`  in   src", { instruction: "fix `Queue.drain`  in   src" }],
  ["options stand before it only", "add --gpu to the docs", { instruction: "add --gpu to the docs" }],
  ["--name=value", '--gpu=H100:2 --ref="main" x', { gpu: "H100:2", ref: "main", instruction: "x" }],
  ["a switch", "--no-publish x", { publish: false, instruction: "x" }],
  ["curly quotes and a dash from a phone", "—gpu “A100” “train it”", { gpu: "A100", instruction: "train it" }],
  ["a command", "--cpu 2 -- npm test --silent", { cpu: "2", argv: ["npm", "test", "--silent"] }],
  ["a command with quotes", `-- bash -c 'a | b' "c \\"d\\""`, { argv: ["bash", "-c", "a | b", 'c "d"'] }],
  ["a quoted option is an instruction", '"--gpu" x', { instruction: '"--gpu" x' }],
])("run: %s", (_, words, right) => {
  expect(inputs(`/parhelia run ${words}`)).toEqual([{ run: right }]);
});

test.each([
  ["run --gpuu H100 x", "--gpu", "`run` has no option `--gpuu`. Did you mean `--gpu`?"],
  ["run -gpu H100 x", "--gpu", "`run` has no option `-gpu`. Did you mean `--gpu`?"],
  ["run --gpu", undefined, "`--gpu` needs a value: `--gpu <type[:count]>`."],
  ["run --gpu --cpu 2 x", undefined, "`--gpu` needs a value: `--gpu <type[:count]>`."],
  ["run --cpu 1 --cpu 2 x", undefined, "`--cpu` is given twice."],
  ["run --no-publish=yes x", undefined, "`--no-publish` takes no value."],
  ['run --gpu "H100 x', undefined, "This quote is not closed."],
  ["run --gpu H1000 x", undefined, "There is no GPU `H1000`. Did you mean `H100`? You can ask for T4, L4, A10,"],
  ["run --gpu A10G:5 x", undefined, "`A10G:5`: a sandbox has 1 to 4 GPUs. Write it like `A10:2`."],
  ["run --gpu H100:9 x", undefined, "`H100:9`: a sandbox has 1 to 8 GPUs."],
  ["run --budget lots x", undefined, "`lots` is not an amount in US dollars."],
  ["run --budget 0 x", undefined, "`0` is not an amount in US dollars."],
  ["run --timeout 90 x", undefined, "`90` is not a time between 1s and 23h."],
  ["run --timeout 3d x", undefined, "`3d` is not a time between 1s and 23h."],
  ["run --memory 1TB x", undefined, "`1TB` is not an amount of memory."],
  ["run --cpu -1 x", undefined, "`-1` is not a number of CPU cores."],
  ["run --ref --upload x", undefined, "`--ref` needs a value"],
  ["run --ref=--upload x", undefined, "`--upload` cannot be the name of a branch"],
  ["run", undefined, "Say on this line what to do"],
  ["run --", undefined, "Say what to run behind `--`"],
  ["run — npm test", "--", "This is a dash."],
  ["run --model opus -- npm test", undefined, "`--model` is for an agent"],
  ["status --json", undefined, "`status` has no option `--json`. It takes none."],
  ["status t_1 t_2", undefined, "This is one word too many: `status [task]`."],
  ["cancel -- t_1", undefined, "`cancel` takes no command behind `--`."],
  ["stats", "status", "There is no command `stats`. Did you mean `status`?"],
  [
    "deploy",
    undefined,
    "There is no command `deploy`. The commands are `run`, `estimate`, `status`, `cancel`, `retry`, `publish`, `approve`, `reject`, `budget`, `pricing`, `help`.",
  ],
])("wrong: %s", (words, nearest, because) => {
  const said = only(`/parhelia ${words}`);
  expect(said).toMatchObject({ kind: "wrong", nearest });
  expect(message(said)).toContain(because);
  // The marked line is the person's own.
  expect(message(said)).toContain(`/parhelia ${words}`);
});

test("the mark stands below the word, also behind wide letters and in a long line", () => {
  expect(message(only("/parhelia run --ref 日本 --gpux 1 x"))).toContain(
    "/parhelia run --ref 日本 --gpux 1 x\n                         ^^^^^^\n",
  );
  const long = message(only(`/parhelia run --ref ${"r".repeat(300)} --gpux 1 ${"y".repeat(300)}`));
  const [, line = "", mark = ""] = String(long).split("\n");
  expect(line.slice(mark.indexOf("^"), mark.length)).toBe("--gpux");
  expect(line.length).toBeLessThan(130);
});

test("our name alone asks for help", () => {
  expect(inputs("/parhelia")).toEqual([{ help: {} }]);
  expect(input(parseArgv([]))).toEqual({ help: {} });
});

test("one comment cannot start hundreds of tasks", () => {
  const said = parseComment("/parhelia run x\n".repeat(4000));
  expect(said.map((each) => each.kind)).toEqual([...Array<string>(10).fill("command"), "wrong"]);
  expect(said[10]).toMatchObject({ line: 11 });
});

test.each([
  [["run", "fix", "it's", "broken"], { instruction: "fix it's broken" }],
  [["run", "--gpu", "H100", "fix the thing"], { gpu: "H100", instruction: "fix the thing" }],
  [["run", "--", "bash", "-c", 'echo "a b"'], { argv: ["bash", "-c", 'echo "a b"'] }],
  [["run", "--budget=$2", "x"], { budget: "$2", instruction: "x" }],
])("at a terminal: %j", (argv, right) => {
  expect(input(parseArgv(argv))).toEqual({ run: right });
});

test("a terminal's words are shown back as they can be typed", () => {
  expect(message(parseArgv(["run", "--ref", "a b", "--gpux", "x"]))).toContain(
    'parhelia run --ref "a b" --gpux x\n                         ^^^^^^',
  );
});

const pieces = constantFrom(
  ..."/parhelia run x|/parhelia|`|```|~~~|>|<!--|-->|<details>|</details>|<b>|- |1. |    |\n|\n\n|\r\n|\r|\t|#|===|\"|'|“|--gpu |—|--|*|_|[|](x)|\\|&lt;|\u0000|\ud800|😀|| a | b |\n|-|-||[^1]|http://a.b|@c".split(
    "|",
  ),
);
const messy = array(oneof(pieces, string({ unit: "binary", maxLength: 8 })), { maxLength: 40 });

test("parseComment and parseArgv never throw, and line numbers are those of the text", () => {
  assert(
    property(messy, (parts) => {
      const text = parts.join("");
      const lines = text.replace(/^\ufeff/, "").split(/\r\n?|\n/);
      for (const said of parseComment(text)) expect(lines[said.line - 1]?.toLowerCase()).toContain("/parhelia");
      parseArgv(parts);
    }),
    { numRuns: 500 },
  );
});

test("prose never acts: a text in which no line starts with our name says nothing to us", () => {
  assert(
    property(messy, (parts) => {
      const text = parts
        .join("")
        .split(/(?<=[\r\n])/)
        .map((line) => `so ${line}`)
        .join("");
      expect(parseComment(text)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test("whatever is fenced or quoted never acts", () => {
  assert(
    property(messy, (parts) => {
      const lines = parts
        .join("")
        .replaceAll("~", "")
        .split(/\r\n?|\n/);
      expect(parseComment(`~~~~\n${lines.join("\n")}\n~~~~`)).toEqual([]);
      expect(parseComment(lines.map((line) => `> ${line}`).join("\n"))).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

const repeated = [
  "> ",
  ">- ",
  "1. ",
  "[",
  "]",
  "[a](",
  "*_",
  "a**b",
  "x <!-- ",
  "`a ``b ",
  "<a ",
  "[^1]: ",
  "| a |\n|-|\n",
  "`\n",
];
const size = 65_000;
const deep = Array.from({ length: 40 }, (_, level) => `${"  ".repeat(16 * level)}${"- ".repeat(15)}a`).join("\n");
const hostile = [
  ...repeated.map((piece) => [JSON.stringify(piece), piece.repeat(size / piece.length)] as const),
  ["code spans of all lengths", Array.from({ length: 350 }, (_, ticks) => "`".repeat(ticks + 1)).join("a")] as const,
  ["quotes at the bound", `${"> ".repeat(16)}a\n\n`.repeat(size / 40)] as const,
  ["a quote and a line, over and over", "> > > > a\nb\n\n".repeat(size / 13)] as const,
  ["quotes behind all else", "a\n\n".repeat(size / 4) + "> a\n\n".repeat(size / 20)] as const,
  ["a list and a line, over and over", "- a\n\nb\n\n".repeat(size / 7)] as const,
  ["footnotes and lines", Array.from({ length: 4500 }, (_, n) => `[^${n}]: x\n\ny\n\n`).join("")] as const,
  ["lists in a list, over and over", `- a\n${"  - b\n".repeat(3)}`.repeat(size / 44)] as const,
  ["lists in lists", deep] as const,
  [
    "many paragraphs and a long definition",
    `${"a <b>\n/parhelia run x\n\n".repeat(1000)}[a]: ${"b".repeat(40_000)}`,
  ] as const,
];

// Without the bounds of read-markdown.ts each of these takes minutes: then the test does not end within its minute.
test.each(hostile)("a hostile comment of the largest size is read to its end: %s", { timeout: 60_000 }, (_, text) => {
  expect(parseComment(`${text}\n\n/parhelia status`).length).toBeGreaterThan(0);
});

const many = "> a\n\n".repeat(1700);

test.each([
  ["in a list", "- a\n\n  /parhelia run x"],
  ["going on with a quote", "text\n> quoted\n/parhelia run x"],
  ["in a fence of a list", "- ```\n\n  /parhelia run x\n\n  ```"],
  ["in a fence behind a list's", "- ```\n  code\n  ```\n\n```\n/parhelia run x\n```"],
  ["by itself", "> a\n\n/parhelia run x"],
])("behind more quotes than are read, a line %s does nothing, and that is said", (_, text) => {
  expect(parseComment(many + text)).toEqual([
    {
      kind: "wrong",
      line: expect.any(Number),
      message: expect.stringContaining("too many quotes"),
      nearest: undefined,
    },
  ]);
});

test("what stands above that is read, with all that goes with it but what is hidden", () => {
  const said = parseComment(`/parhelia run x\n\nthe log:\n\n${many}> last <!-- hidden -->`);
  expect(said).toMatchObject([
    { kind: "command", input: { instruction: "x", body: expect.stringMatching(/> last$/) } },
  ]);
});

test("a rule of many dashes stays a rule, and what is below it is no part of a list", () => {
  expect(inputs(`text\n\n${"- ".repeat(40)}\n/parhelia run x`)).toEqual([{ run: { instruction: "x" } }]);
});

test("in a paragraph too tangled to read, only its first line can speak to us", () => {
  expect(inputs(`/parhelia run x\n${"]".repeat(60_000)}`)).toMatchObject([{ run: { instruction: "x" } }]);
  expect(inputs(`${"]".repeat(60_000)}\n/parhelia run x`)).toEqual([]);
});
