import { expect, test } from "vitest";
import { AttemptId, TaskId } from "../../src/core/ids.ts";
import { Refusal } from "../../src/core/refusal.ts";
import type { ManifestEntry } from "../../src/core/protocol.ts";
import { branchName } from "../../src/core/branch-name.ts";
import { calmTitle, commitWords, isOfAttempt, isOfTask, unpinging } from "../../src/github/publish/attribution.ts";
import { hasPlaceSwap, readChanges } from "../../src/core/changes.ts";
import { replyMarker } from "../../src/github/place.ts";
import { attemptId, running, shared } from "./views.ts";
import { entries, put, removal } from "./manifests.ts";

const read = (...given: ManifestEntry[]) => readChanges(entries(given));

test.each([
  ".git/hooks/post-checkout",
  "a/.GIT/config",
  "a/.gi\u200ct/config",
  "git~1/config",
  ".git . /config",
  ".git::$INDEX_ALLOCATION/config",
  "a\\.git\\config",
  "../out",
  "a/./b",
  "/etc/passwd",
  "a//b",
  "a/\0b",
  "",
])("refuses the path %j", async (path) => {
  await expect(read(put(path, "x"))).rejects.toThrow(Refusal);
  await expect(read(removal(path))).rejects.toThrow(Refusal);
});

test.each([".gitignore", ".github/x", "git/x", "a.git/x", "-rf", "dir/trailing ", 'naïve "q".txt', "tab\there"])(
  "takes the path %j as it is",
  async (path) => {
    expect((await read(put(path, "x"))).puts[0]?.path).toBe(path);
  },
);

test("refuses a name that is not UTF-8, as GitHub would change it", async () => {
  const path = Buffer.from([0x61, 0xff]).toString("base64");
  await expect(read({ do: "delete", path })).rejects.toThrow(/not UTF-8/);
});

test("puts a file together from its pieces and misses none", async () => {
  const [first, second] = [Buffer.from("one "), Buffer.from("two")];
  const path = Buffer.from("a").toString("base64");
  const start = { do: "put", path, mode: "100644", bytes: 7, content: first.toString("base64") } as const;
  const more = { do: "more", content: second.toString("base64") } as const;
  expect((await read(start, more)).puts[0]?.content.toString()).toBe("one two");
  await expect(read(start)).rejects.toThrow(/4 bytes of 7/);
  await expect(read(more)).rejects.toThrow(/before the file/);
});

test("sees where a file and a folder change places", async () => {
  expect(hasPlaceSwap(await read(removal("a"), put("a/b", "x")))).toBe(true);
  expect(hasPlaceSwap(await read(removal("a/b"), put("a", "x")))).toBe(true);
  expect(hasPlaceSwap(await read(removal("a"), put("ab", "x")))).toBe(false);
});

test("a commit names the task and the attempt, credits the asker by id and pings nobody", () => {
  const task = running({
    spec: { ...shared().spec, work: { kind: "agent", instruction: "ask @olly\u202e", body: "", model: null } },
  });
  const { headline, body } = commitWords(task, attemptId, "https://github.com");
  expect(headline).toBe("ask @\u200bolly");
  expect(body.split("\n").at(-1)).toBe("Co-authored-by: dana <1001+dana@users.noreply.github.com>");
  expect(isOfTask(`${headline}\n\n${body}`, task)).toBe(true);
  expect(isOfAttempt(`${headline}\n\n${body}\n`, attemptId)).toBe(true);
});

const asking = (instruction: string, change: Parameters<typeof shared>[0] = {}) =>
  running({ ...change, spec: { ...shared().spec, work: { kind: "agent", instruction, body: "", model: null } } });

test.each([
  ["fixes #1", "fixes #\u200b1"],
  ["closes acme/widgets#3, GH-1 and gh-22", "closes acme/widgets#\u200b3, GH-\u200b1 and gh-\u200b22"],
  ["resolves https://github.com/a/b/issues/1", "resolves https:\u200b//github.com/a/b/issues/\u200b1"],
  ["see github.com/a/b/pull/12#issuecomment-1", "see github.com/a/b/pull/\u200b12#issuecomment-1"],
  ["ask @olly and @acme/team", "ask @\u200bolly and @\u200bacme/team"],
  ["fixes #\u200b1 for @\u2060olly", "fixes #\u200b1 for @\u200bolly"],
  ["C# and issue # 1 by a@ b", "C# and issue # 1 by a@ b"],
])("a commit of %j closes nothing and pings nobody", (text, calm) => {
  expect(unpinging(text)).toBe(calm);
  expect(calm.replaceAll("\u200b", "")).toBe(text.replaceAll(/[\u200b\u2060]/g, ""));
  expect(commitWords(asking(text), attemptId, "https://github.com").headline).toBe(calm);
});

test("a title stays within its length though marks were put in, and is never empty", () => {
  expect(Array.from(calmTitle(asking("#1 ".repeat(50))))).toHaveLength(72);
  expect(calmTitle(asking("\u200b\u202e"))).toBe("Result of t_7k2m9x4q");
});

test("what a person asks for is never read as a line of ours", () => {
  const other = running({ id: TaskId.parse("t_00000001") });
  const otherAttempt = AttemptId.parse("t_00000001-1");
  for (const line of ["Parhelia-Task: t_00000001", "Parhelia-Attempt: t_00000001-1"]) {
    const { headline, body } = commitWords(asking(line), attemptId, "https://github.com");
    for (const message of [line, `${line}\n`, `${headline}\n\n${body}`, `x\n\n${line}\n\nSigned-off-by: x`]) {
      expect(isOfTask(message, other)).toBe(false);
      expect(isOfAttempt(message, otherAttempt)).toBe(false);
    }
  }
  const origin = { ...shared().origin, actor: { id: 1, login: "x\nParhelia-Task: t_00000001" } };
  const { body } = commitWords(asking("x", { origin }), attemptId, "https://github.com");
  expect(isOfTask(`x\n\n${body}`, other)).toBe(false);
  expect(body).not.toContain("Co-authored-by");
});

test("a branch is named after the task and its first words", () => {
  expect(branchName(running(), 1)).toBe("parhelia/t_7k2m9x4q-fix-the-null-check-when-the-list-is");
  expect(branchName(running(), 2)).toMatch(/-is-2$/);
  const work = { kind: "agent", instruction: "直して", body: "", model: null } as const;
  expect(branchName(running({ spec: { ...shared().spec, work } }), 1)).toBe("parhelia/t_7k2m9x4q");
});

test("nothing in a reply's marker can end the hidden line", () => {
  expect(replyMarker("r_900-1")).toBe("<!-- parhelia reply r_900-1 -->");
  for (const hostile of ["a--b", "-->", "a -->", "<!--", "a-"])
    expect(replyMarker(hostile)).toMatch(/^<!-- parhelia reply [0-9a-f]{32} -->$/);
});
