/** The end of the output that a result carries: nothing in it may be half of a token that no redaction knows. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bounds } from "../../src/core/protocol.ts";
import { openTail } from "../../src/runner/tail.ts";

function tailOf(lines: readonly string[], limitBytes?: number): string {
  const tail = openTail(limitBytes);
  for (const line of lines) tail.add(line);
  return tail.read();
}

const note = " [cut: too long a line]\n";

test("what fits is kept as it is", () => {
  expect(tailOf([])).toBe("");
  expect(tailOf(["a", "", " b"], 100)).toBe("a\n\n b\n");
  expect(tailOf(["日本"], 7)).toBe("日本\n");
  expect(tailOf(["😀", "語"], 9)).toBe("😀\n語\n");
});

test("the end is kept in whole lines: the rest of a token at the start is dropped with its line", () => {
  const token = `ghs_${"Ab1".repeat(12)}`;
  expect(tailOf([`token: ${token} and more`, "second", "third"], 40)).toBe("second\nthird\n");
  expect(tailOf(["日本語", "😀"], 10)).toBe("😀\n");
  expect(tailOf(["first", "日本語", "😀"], 15)).toBe("日本語\n😀\n");
});

test("a cut between two lines drops nothing more", () => {
  expect(tailOf(["dropped", "kept", "too"], 9)).toBe("kept\ntoo\n");
  expect(tailOf(["日", "本語"], 7)).toBe("本語\n");
  // One byte less has no room for the whole of `kept`.
  expect(tailOf(["dropped", "kept", "too"], 8)).toBe("too\n");
});

test("of one line above the limit the end is kept from the start of a word, and the cut is said", () => {
  const token = `sk-ant-${"x".repeat(60)}`;
  expect(tailOf(["before", `key ${token} the last words`], 60)).toBe(`the last words${note}`);
  expect(tailOf([`key ${token}\t日本 語`], 60)).toBe(`日本 語${note}`);
  expect(tailOf(["日".repeat(100)], 60)).toBe(note);
  expect(tailOf([`key ${token} last`, "", " "], 60)).toBe(`last${note}`);
  // A word that begins right where there is room for it may be the rest of a longer one.
  expect(tailOf([`${"x".repeat(100)} ${"y".repeat(60 - note.length)}`], 60)).toBe(note);
});

test("the rest of a token never stands in a tail, whatever is cut, and the tail is text within its limit", () => {
  const word = fc.constantFrom("日本", "é", "plain", "😀😀", "TOKEN-0123456789-END", "");
  const line = fc.array(word, { maxLength: 8 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.integer({ min: note.length, max: 200 }), (lines, limit) => {
      const tail = tailOf(lines, limit);
      const whole = lines.map((each) => `${each}\n`).join("");
      expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(limit);
      expect(tail).not.toContain("\ufffd");
      expect(tail.replaceAll("TOKEN-0123456789-END", "")).not.toMatch(/TOKEN|\d|END/);
      if (Buffer.byteLength(whole) <= limit) expect(tail).toBe(whole);
      else if (tail.endsWith(note)) expect(whole.trimEnd().endsWith(tail.slice(0, -note.length).trim())).toBe(true);
      else expect(`\n${whole}`.endsWith(`\n${tail}`)).toBe(true);
    }),
  );
});

test("half a character cut from the kept text is no character", () => {
  const tail = tailOf(["😀".repeat(bounds.tailBytes), "end"]);
  expect(tail).toBe("end\n");
  expect(tailOf([`${"😀".repeat(bounds.tailBytes)} last`])).toBe(`last${note}`);
});
