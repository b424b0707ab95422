import { expect, test } from "vitest";
import { usd } from "../../src/core/money.ts";
import { byteLength } from "../../src/core/markdown.ts";
import { parseComment } from "../../src/commands/parse.ts";
import type { InState } from "../../src/core/task.ts";
import { checkWords, reportComment } from "../../src/github/report/words.ts";
import { failed, heard, succeeded } from "./ended-views.ts";
import { base, finding, place, running, shared, view } from "./views.ts";

const elsewhere = { publicUrl: "https://parhelia.example" };

const money = { spent: usd(1.12), model: usd(0.94) };

test("the comment of a running task", () => {
  const now = view(running(), { heard, spent: usd(0.38), model: usd(0.35) });
  expect(reportComment(now, elsewhere)).toMatchInlineSnapshot(`
    "<!-- parhelia task t_7k2m9x4q -->
    ### ⏳ Working · 4m 12s of 1h · $0.38 of $5.00

    Asked by [dana](https://github.com/acme/widgets/issues/7#issuecomment-900): *fix the null check when the list is empty*
    Claude Code on \`acme/widgets\` at \`4f2c1e9\` (\`main\`)

    - [x] Reproduce: \`npm test -- queue\` fails as described
    - [x] Find the cause in \`src/queue.ts\`
    - [ ] **Fix it and add a test** ← now
    - [ ] Run all tests

    Last heard 12s ago: editing \`src/queue.ts\`

    <sub>Sees this issue as it was and that commit. Not: later commits and edits, other repositories, secrets.</sub>
    <sub>Watch it: [task t_7k2m9x4q](https://parhelia.example/tasks/t_7k2m9x4q)</sub>
    <sub>Stop it: \`/parhelia cancel t_7k2m9x4q\`</sub>"
  `);
});

test("the comment of a failed task", () => {
  expect(reportComment(view(failed(), { spent: usd(2.4), model: usd(2.2) }), elsewhere)).toMatchInlineSnapshot(`
    "<!-- parhelia task t_7k2m9x4q -->
    ### ❌ Failed: \`npm test\` exited with 1 · 9m · $2.40

    Asked by [dana](https://github.com/acme/widgets/issues/7#issuecomment-900): *fix the null check when the list is empty*
    Claude Code on \`acme/widgets\` at \`4f2c1e9\` (\`main\`)

    Its last output:

    \`\`\`\`text
    AssertionError: expected 3 to be 2
        at test/drain.test.ts:41
    \`\`\`
    # not a heading, @dana
    \`\`\`\`

    Its changes are kept on [\`parhelia/t_7k2m9x4q-fix-the-null-check\`](https://github.com/acme/widgets/tree/parhelia/t_7k2m9x4q-fix-the-null-check) (2 files, +17 −3, no pull request).

    <details><summary>Cost: model $2.20, sandbox $0.20</summary>

    - $2.40 of its ceiling of $5.00
    - Model calls: $2.20, as the service metered them
    - Sandbox: $0.20, 34m 17s at $0.35 an hour

    </details>

    **Next.** \`/parhelia retry t_7k2m9x4q\` starts over from \`4f2c1e9\`.

    <sub>All it did: [task t_7k2m9x4q](https://parhelia.example/tasks/t_7k2m9x4q)</sub>"
  `);
});

test("the comment of a finished task", () => {
  expect(reportComment(view(succeeded(), money), elsewhere)).toMatchInlineSnapshot(`
    "<!-- parhelia task t_7k2m9x4q -->
    ### ✅ Done: #482 · 9m · $1.12

    Asked by [dana](https://github.com/acme/widgets/issues/7#issuecomment-900): *fix the null check when the list is empty*
    Claude Code on \`acme/widgets\` at \`4f2c1e9\` (\`main\`)

    > \`Queue.drain\` returned \`undefined\` for an empty list, and the caller read \`.length\` of it.
    > It now returns an empty array; two tests cover it.

    **[Pull request #482](https://github.com/acme/widgets/pull/482)** · 3 files, +41 −12 · commit \`9b1d3e5\`

    <details><summary>Cost: model $0.94, sandbox $0.18</summary>

    - $1.12 of its ceiling of $5.00
    - Model calls: $0.94, as the service metered them
    - Sandbox: $0.18, 30m 51s at $0.35 an hour

    </details>

    <sub>All it did: [task t_7k2m9x4q](https://parhelia.example/tasks/t_7k2m9x4q)</sub>"
  `);
});

test("the check run of a task on a pull request of someone without write access", () => {
  const task = running({
    origin: { ...shared().origin, place: { ...place, number: 12, pullRequest: true } },
    base: { ...base, ref: "pull request #12", fetchRef: "refs/pull/12/head", trusted: false },
  });
  expect(checkWords(view(task, { heard, spent: usd(0.38) }), elsewhere)).toMatchInlineSnapshot(`
    {
      "summary": "Asked by [dana](https://github.com/acme/widgets/issues/7#issuecomment-900): *fix the null check when the list is empty*
    Claude Code on \`acme/widgets\` at \`4f2c1e9\` (pull request #12)

    - [x] Reproduce: \`npm test -- queue\` fails as described
    - [x] Find the cause in \`src/queue.ts\`
    - [ ] **Fix it and add a test** ← now
    - [ ] Run all tests

    Last heard 12s ago: editing \`src/queue.ts\`

    <sub>Sees this pull request as it was and that commit. Not: later commits and edits, other repositories, secrets.</sub>
    <sub>Its code or text comes from someone without write access: it is data to the agent, never an order.</sub>
    <sub>Watch it: [task t_7k2m9x4q](https://parhelia.example/tasks/t_7k2m9x4q)</sub>
    <sub>Stop it: \`/parhelia cancel t_7k2m9x4q\`</sub>",
      "title": "Working · 4m 12s of 1h · $0.38 of $5.00",
    }
  `);
});

test("the check run of a finished task", () => {
  expect(checkWords(view(succeeded(), money), elsewhere)).toMatchInlineSnapshot(`
    {
      "summary": "Asked by [dana](https://github.com/acme/widgets/issues/7#issuecomment-900): *fix the null check when the list is empty*
    Claude Code on \`acme/widgets\` at \`4f2c1e9\` (\`main\`)

    > \`Queue.drain\` returned \`undefined\` for an empty list, and the caller read \`.length\` of it.
    > It now returns an empty array; two tests cover it.

    **[Pull request #482](https://github.com/acme/widgets/pull/482)** · 3 files, +41 −12 · commit \`9b1d3e5\`

    <details><summary>Cost: model $0.94, sandbox $0.18</summary>

    - $1.12 of its ceiling of $5.00
    - Model calls: $0.94, as the service metered them
    - Sandbox: $0.18, 30m 51s at $0.35 an hour

    </details>

    <sub>All it did: [task t_7k2m9x4q](https://parhelia.example/tasks/t_7k2m9x4q)</sub>",
      "title": "Done: #482 · 9m · $1.12",
    }
  `);
});

test("a fault of ours names its trace and no cause", () => {
  const task: InState<"failed"> = {
    ...failed(),
    finding: finding({
      verdict: "failed",
      because: "something broke on our side",
      trace: "9f3c0a1b2c3d4e5f",
      changedFiles: 0,
    }),
  };
  const { published: _, ...unpublished } = task;
  const words = reportComment(view(unpublished, money), elsewhere);
  expect(words).toContain("### ⚠️ Something broke on our side (trace 9f3c0a1b2c3d4e5f)");
  expect(words).toContain("under `9f3c0a1b2c3d4e5f`");
  expect(words).not.toContain("**Cause.**");
});

test("a refusal before anything was tried is the reason and nothing else", () => {
  const because = "I can't do that: `run` needs **write** access to `acme/widgets`, and you have **read**.";
  const { published: _, base: __, startedAt: ___, ...task } = failed();
  const refused = { ...task, attempts: 0, finding: finding({ verdict: "failed" as const, because }) };
  expect(reportComment(view(refused, {}), { publicUrl: undefined })).toMatchInlineSnapshot(`
    "<!-- parhelia task t_7k2m9x4q -->
    ### ❌ Not started

    Asked by [dana](https://github.com/acme/widgets/issues/7#issuecomment-900): *fix the null check when the list is empty*

    I can't do that: \`run\` needs **write** access to \`acme/widgets\`, and you have **read**."
  `);
  expect(checkWords(view(refused, {}), elsewhere).title).toBe(
    "Not started: I can't do that: run needs write access to acme/widgets, and you have read.",
  );
});

test("words from outside ping nobody, link nowhere and run nothing", () => {
  const hostile = "@dana see #1\n# heading\n/parhelia run evil\n![x](https://evil.example/a.png)\n-->";
  const task = succeeded({ finding: finding({ summary: hostile }) });
  const words = reportComment(view(task, money), elsewhere);
  expect(words).not.toMatch(/@dana/);
  expect(words).not.toMatch(/^# heading/m);
  expect(words).not.toMatch(/^(?:> )?\/parhelia run evil/m);
  expect(words).not.toContain("![x](");
  expect(words.indexOf("-->")).toBe("<!-- parhelia task t_7k2m9x4q ".length);
  expect(words.lastIndexOf("-->")).toBe(words.indexOf("-->"));
});

test("a refusal of several lines shows its reason, then the rest as it is", () => {
  const because = "The result changes `.github/workflows/ci.yml`, and this app may not.\n\n=== ci.yml\non: push";
  const { published: _, ...task } = { ...failed(), finding: finding({ verdict: "failed", because }) };
  expect(reportComment(view(task, money), elsewhere)).toContain(
    "**Cause.** The result changes `.github/workflows/ci.yml`, and this app may not.\n\n```\n=== ci.yml\non: push\n```",
  );
});

test("a check run over the limit keeps its end, closes its fences and says what was left out", () => {
  const line = "a line with an emoji 👩‍👩‍👧 and ``` a fence\n";
  const summary = `${line.repeat(3_000)}THE END`;
  const { published: _, ...task } = failed();
  const long = { ...task, finding: finding({ verdict: "failed", because: "x", summary, tail: "```\n".repeat(500) }) };
  const { summary: sent } = checkWords(view(long, money), elsewhere);
  expect(byteLength(sent)).toBeLessThanOrEqual(65_535);
  expect(byteLength(sent)).toBeGreaterThan(50_000);
  expect(sent).toContain("THE END");
  expect(sent).toMatch(
    /[\d,]+ bytes are left out here\. All of it is on \[its page\]\(https:\/\/parhelia\.example\/tasks\/t_7k2m9x4q\)/,
  );
  expect(sent).toContain("/parhelia retry t_7k2m9x4q");
  expect(sent.isWellFormed()).toBe(true);
  const fences = sent.match(/^`{3,}.*$/gm) ?? [];
  expect(fences.length % 2).toBe(0);
});

test("a comment stays below GitHub's limit whatever the agent says", () => {
  const task = succeeded({
    finding: finding({
      summary: "日本\n".repeat(60_000),
      left: Array.from({ length: 50 }, (_, n) => `${"x".repeat(3_000)}${n}`),
    }),
  });
  expect(byteLength(reportComment(view(task, money), elsewhere))).toBeLessThanOrEqual(65_000);
});

test("every command that a comment offers is one that the parser takes", () => {
  const tasks = [running(), succeeded(), failed()];
  const offered = tasks.flatMap((task) =>
    [...reportComment(view(task, money), elsewhere).matchAll(/`(\/parhelia [^`]+)`/g)].map((found) => found[1] ?? ""),
  );
  expect(offered).toEqual(["/parhelia cancel t_7k2m9x4q", "/parhelia retry t_7k2m9x4q"]);
  for (const each of offered) expect(parseComment(each)).toMatchObject([{ kind: "command" }]);
});

test("without pages of its own the service links to none", () => {
  const task = succeeded({ finding: finding({ summary: "a long line\n".repeat(9_000) }) });
  const words = reportComment(view(task, money), { publicUrl: undefined });
  expect(words).toContain("All of it is kept by the service");
  expect(words).not.toContain("/tasks/");
});
