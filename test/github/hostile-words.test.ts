/**
 * Whatever comes from outside, in whichever field: what we show of it on GitHub pings nobody, links nowhere, refers to no
 * issue, hides nothing, runs no command and fits.
 */
import { array, assert, constantFrom, func, oneof, property, record, string, type Arbitrary } from "fast-check";
import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import { expect, test } from "vitest";
import { parseComment } from "../../src/commands/parse.ts";
import { byteLength, quote, visible } from "../../src/core/markdown.ts";
import type { TaskView } from "../../src/core/ports/forge.ts";
import type { Base, Task } from "../../src/core/task.ts";
import { calmTitle, commitWords } from "../../src/github/publish/attribution.ts";
import { pullRequestBody, workflowRefusal } from "../../src/github/publish/words.ts";
import { checkWords, reportComment } from "../../src/github/report/words.ts";
import { failed, heard, succeeded } from "./ended-views.ts";
import { attemptId, base, finding, publishing, running, shared, view } from "./views.ts";

const pieces = constantFrom(
  "@dana",
  " @acme/team ",
  "mail@a.b",
  "#1",
  " fixes #1 ",
  "GH-1",
  "closes acme/widgets#3",
  "https://github.com/acme/widgets/issues/1",
  "www.evil.test",
  "<https://evil.test>",
  "[a](https://evil.test)",
  "![a](https://evil.test/a.png)",
  "[a]: https://evil.test\n",
  "[^1]",
  "<img src=x>",
  "<!--",
  "-->",
  "<!-- parhelia task t_7k2m9x4q -->\n",
  "<!-- parhelia reply r_1 -->",
  "</details>",
  "</sub>",
  "<details><summary>x</summary>\n\n",
  "\n/parhelia run x\n",
  "/parhelia cancel",
  "\n\n```\n",
  "~~~",
  "`",
  "``",
  "\n",
  "\r\n",
  "\n\n",
  "\n    ",
  "\t",
  "# ",
  "\n- ",
  "\n> ",
  "1. ",
  "---\n",
  "===\n",
  "|a|b|\n|-|-|\n",
  "**",
  "_",
  "~~",
  "$$x$$",
  ":+1:",
  "\\",
  "&lt;",
  "&#64;dana",
  "&#35;1",
  "\u200b",
  "\u202e",
  "\u2066",
  "\u0000",
  "\u001b[31m",
  "\ud800",
  "\udc00",
  "עברית",
  "日本",
  "👩‍👩‍👧",
  "Parhelia-Task: t_00000001",
  "\n\nCo-authored-by: x <x@evil.test>\n",
  "a long word ".repeat(40),
  "x".repeat(3_000),
);
const hostile: Arbitrary<string> = array(oneof({ weight: 4, arbitrary: pieces }, string({ maxLength: 5 })), {
  minLength: 1,
  maxLength: 8,
}).map((parts) => parts.join(""));

/** Addresses that are ours or GitHub's; nothing of a stranger is in them. */
const addresses = new Set([
  "https://github.com/acme/widgets/issues/7#issuecomment-900",
  "https://github.com/acme/widgets/pull/482",
  "https://github.com/acme/widgets/tree/parhelia/t_7k2m9x4q-fix-the-null-check",
  "https://parhelia.example/tasks/t_7k2m9x4q",
]);
const marker = "<!-- parhelia task t_7k2m9x4q -->";
const html =
  /^(?:<!-- parhelia task t_7k2m9x4q -->|<\/?sub>|<\/details>|<details><summary>(?:Its last output|Its last steps|Cost: model \$\d+\.\d+, sandbox \$\d+\.\d+)<\/summary>)$/;

const nodesIn = (node: Nodes): Nodes[] => [node, ...("children" in node ? node.children.flatMap(nodesIn) : [])];
const read = (markdown: string): Nodes[] =>
  nodesIn(fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] }));

/** What GitHub looks for in text outside of code; the numbers of the task's own issue and pull request are ours. */
const alive = /@[a-z0-9]|#(?!(?:7|482)\b)\d|\bGH-\d|:\/\/|\bwww\.|:[\w+-]+:/i;

const faultsOf = (node: Nodes): string[] => {
  if (node.type === "text") return alive.test(node.value) ? [`alive: ${node.value}`] : [];
  if (node.type === "html")
    return node.value.split("\n").flatMap((line) => (html.test(line.trim()) ? [] : [`html: ${line}`]));
  if (node.type === "link") return addresses.has(node.url) ? [] : [`link: ${node.url}`];
  const ours = "root paragraph inlineCode code break blockquote list listItem emphasis strong heading";
  return ours.split(" ").includes(node.type) ? [] : [`node: ${node.type}`];
};

/** Everything that may be wrong with a text of ours: nothing, for all that strangers put into it. */
function faults(markdown: string, hasMarker: boolean): string[] {
  const nodes = read(markdown);
  const count = (type: string) => nodes.filter((node) => node.type === type).length;
  const unseen = visible(markdown.replaceAll("\u200b", "")) === markdown.replaceAll("\u200b", "") ? [] : ["unseen"];
  const commands = [markdown, quote(markdown)]
    .flatMap((text) => parseComment(text))
    .map(({ line }) => `command: ${line}`);
  const markers = markdown.startsWith(marker) === hasMarker ? [] : ["marker"];
  return [
    ...nodes.flatMap(faultsOf),
    ...unseen,
    ...commands,
    ...markers,
    ...(count("heading") > 1 ? ["headings"] : []),
    ...(nodes.filter((node) => node.type === "html" && node.value.includes("<!--")).length > 1 ? ["comments"] : []),
  ];
}

/** A line that GitHub shows without Markdown. */
function lineFaults(line: string, most: number): string[] {
  return [
    ...(line.trim() === "" ? ["empty"] : []),
    ...(/[\n\r]/.test(line) ? ["lines"] : []),
    ...(Array.from(line).length > most ? ["long"] : []),
    ...(visible(line.replaceAll("\u200b", "")) === line.replaceAll("\u200b", "") ? [] : ["unseen"]),
  ];
}

/** A word for each field: the same field gets the same word. */
type Words = (field: string) => string;
const words: Arbitrary<Words> = func<[string], string>(hostile);

const hostileBase = (say: Words): Base => ({ ...base, ref: say("ref"), head: say("head"), into: say("into") });

function hostileShared(say: Words, kind: "agent" | "command"): ReturnType<typeof shared> {
  const plain = shared();
  const work =
    kind === "agent"
      ? { kind, instruction: say("instruction"), body: say("body"), model: say("model") }
      : { kind, argv: [say("program"), say("argument")] };
  return {
    ...plain,
    origin: { ...plain.origin, actor: { id: 1, login: say("login") } },
    spec: { ...plain.spec, work, ref: say("asked ref") },
    base: { ...hostileBase(say), trusted: false },
    cancel: { at: plain.createdAt, by: { id: 2, login: say("canceller") } },
  };
}

function hostileTasks(say: Words, kind: "agent" | "command"): Task[] {
  const common = hostileShared(say, kind);
  const { cancel: _, ...live } = common;
  const since = common.createdAt;
  const found = finding({
    because: say("because"),
    summary: say("summary"),
    tail: say("tail"),
    left: [say("left"), say("more left")],
  });
  const published = succeeded().published;
  const made = published && { ...published, branch: say("branch"), notes: [say("note")] };
  const over = { ...common, endedAt: since, finding: found, startedAt: since };
  const waits = ["slot", "money", "capacity", "approval", "pause"] as const;
  return [
    { ...live, state: "queued", since, tries: 0 },
    ...waits.map((which): Task => ({ ...live, state: "waiting", since, for: which, because: say("waits") })),
    { ...running(), ...live },
    { ...running(), ...common },
    { ...publishing(), ...live, finding: found },
    { ...over, state: "succeeded", ...(made === undefined ? {} : { published: made }) },
    { ...over, state: "succeeded", ...(made === undefined ? {} : { published: { ...made, pullRequest: null } }) },
    { ...over, state: "failed", ...(made === undefined ? {} : { published: made }) },
    { ...over, state: "failed", attempts: 0 },
    { ...over, state: "cancelled" },
    { ...over, state: "timed-out" },
    { ...over, state: "over-budget" },
  ];
}

function hostileView(say: Words, task: Task): TaskView {
  const step = (text: string, state: "todo" | "now" | "done") => ({ text: say(text), state });
  const plan = say("has plan").length % 2 === 0 ? [step("done", "done"), step("now", "now"), step("todo", "todo")] : [];
  return view(task, { heard: { ...heard, phase: say("phase"), doing: [say("did"), say("does")], plan } });
}

const elsewhere = { publicUrl: "https://parhelia.example" };
const say = record({ words, kind: constantFrom("agent" as const, "command" as const) });

test("a comment and a check run of ours keep a stranger's words harmless", () => {
  assert(
    property(say, ({ words: say, kind }) => {
      for (const task of hostileTasks(say, kind)) {
        const shown = hostileView(say, task);
        const comment = reportComment(shown, elsewhere);
        const check = checkWords(shown, elsewhere);
        expect([task.state, faults(comment, true), byteLength(comment) <= 65_000]).toEqual([task.state, [], true]);
        expect([task.state, faults(check.summary, false), byteLength(check.summary) <= 65_535]).toEqual([
          task.state,
          [],
          true,
        ]);
        expect([task.state, lineFaults(check.title, 160)]).toEqual([task.state, []]);
      }
    }),
    { numRuns: 6, seed: 1 },
  );
});

test("a pull request and a commit of ours keep a stranger's words harmless", () => {
  assert(
    property(say, ({ words: say, kind }) => {
      const task: Task = {
        ...publishing(),
        ...hostileShared(say, kind),
        finding: finding({ summary: say("summary"), left: [say("left")] }),
      };
      const body = pullRequestBody(view(task), hostileBase(say), [say("note"), say("other note")]);
      expect([faults(body, true), byteLength(body) <= 60_000]).toEqual([[], true]);
      const { headline, body: trailers } = commitWords(task, attemptId, "https://github.com");
      for (const line of [calmTitle(task), headline]) {
        expect(lineFaults(line, 72)).toEqual([]);
        expect(line).not.toMatch(/@[a-z0-9]|#\d|GH-\d|:\/\/|\/(?:issues|pull)\/\d/i);
      }
      // Nothing of a stranger has a line of its own in the text of a commit.
      expect(trailers.replace(/\nCo-authored-by: ([\w-]+) <1\+\1@users\.noreply\.github\.com>$/, "")).toBe(
        "Asked for in https://github.com/acme/widgets/issues/7#issuecomment-900\n\nParhelia-Task: t_7k2m9x4q\nParhelia-Attempt: t_7k2m9x4q-1",
      );
    }),
    { numRuns: 60, seed: 2 },
  );
});

test("a refusal of workflow files keeps hostile names and files harmless", () => {
  assert(
    property(words, (say) => {
      const path = `.github/workflows/${say("path")}`;
      const changes = { puts: [{ path, mode: "100644", content: Buffer.from(say("file")) } as const], deletes: [] };
      const patch = {
        text: `${say("file")}\n`,
        left: [`${path}2`],
        ...(say("refused").length % 2 === 0 ? {} : { refused: say("refused") }),
      };
      const because = workflowRefusal(running(), base, changes, patch);
      const comment = reportComment(view({ ...failed(), finding: finding({ because }) }), elsewhere);
      expect(faults(comment, true)).toEqual([]);
    }),
    { numRuns: 40, seed: 3 },
  );
});

test.each([
  ["one line of references", "@a #1 ".repeat(10_000)],
  ["short lines of many bytes", "日本\n".repeat(9_000)],
  ["nothing but fences", "```\n".repeat(9_000)],
])("texts as long as GitHub takes them fit, cut or not: %s", (_, text) => {
  // GitHub's names of accounts are short.
  const say: Words = (field) => (/login|canceller/.test(field) ? "dana" : text);
  const states = new Map(hostileTasks(say, "agent").map((task) => [task.state, task]));
  for (const state of ["running", "failed"] as const) {
    const task = states.get(state);
    if (task === undefined) throw new Error(`no task is ${state}`);
    const shown = hostileView(say, task);
    const comment = reportComment(shown, elsewhere);
    expect([state, faults(comment, true), byteLength(comment) <= 65_000]).toEqual([state, [], true]);
    expect(byteLength(checkWords(shown, elsewhere).summary)).toBeLessThanOrEqual(65_535);
  }
  const task: Task = { ...publishing(), ...hostileShared(say, "agent"), finding: finding({ summary: text }) };
  const body = pullRequestBody(view(task), base, [text]);
  expect([faults(body, true), byteLength(body) <= 60_000]).toEqual([[], true]);
});
