import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bounds } from "../../src/core/protocol.ts";
import { readClaude } from "../../src/runner/agents/claude-code.ts";
import { fit, splitLines } from "../../src/runner/lines.ts";

/** Writes the chunks and gives back what came out: a line as text, a cut one as its number of bytes. */
function split(chunks: Buffer[], limitBytes?: number): (string | number)[] {
  const out: (string | number)[] = [];
  const lines = splitLines({ line: (text) => out.push(text), cut: (_, bytes) => out.push(bytes) }, limitBytes);
  for (const chunk of chunks) lines.write(chunk);
  lines.end();
  return out;
}

const chunksOf = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));

test("case 15: a line of 300 KB in chunks that end inside a character is one event, and so is the short one behind it", () => {
  const spoken = (text: string): string =>
    JSON.stringify({ type: "assistant", message: { id: "m", content: [{ type: "text", text }] } });
  // 65,536 bytes end after the first byte of 日: the text begins 62 bytes into the line.
  const frame = Buffer.byteLength(spoken("").split('"}')[0] ?? "");
  const long = `${"x".repeat(65_535 - frame)}日本→${"→".repeat(80_000)}`;
  const source = Buffer.from(`${spoken(long)}\n${spoken("short")}\n`);
  const chunks = chunksOf(source, 65_536);
  expect(source.length).toBeGreaterThan(300_000);
  expect(source.subarray(65_535, 65_538).toString()).toBe("日");
  expect(chunks.at(-1)?.toString()).toContain("short");
  const claude = readClaude();
  const facts = split(chunks).flatMap((line) => claude.read(String(line)));
  expect(facts.map(({ type, message }) => ({ type, message }))).toEqual([
    { type: "agent_text", message: long },
    { type: "agent_text", message: "short" },
  ]);
});

test("case 15: a line above the maximum is counted, and the following line is still read", () => {
  const source = Buffer.from(`${"日".repeat(bounds.lineBytes)}\nnext\n`);
  expect(split(chunksOf(source, 65_536))).toEqual([3 * bounds.lineBytes, "next"]);
});

test("case 15: memory stays bounded by the maximum", () => {
  const lines = splitLines({ line: () => undefined, cut: () => undefined });
  const chunk = Buffer.alloc(65_536, "x");
  const before = process.memoryUsage().arrayBuffers;
  for (let written = 0; written < 256 * bounds.lineBytes; written += chunk.length) lines.write(chunk);
  globalThis.gc?.();
  // Old, smaller buffers may still wait for the collector: they double, so together they are no more than the last.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(3 * bounds.lineBytes);
});

test("any text in any chunks comes out as its lines", () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", ""));
  fc.assert(
    fc.property(fc.array(line), fc.integer({ min: 1, max: 9 }), (lines, size) => {
      const source = Buffer.from(lines.map((each) => `${each}\n`).join(""));
      expect(split(chunksOf(source, size))).toEqual(lines.map((each) => each.toWellFormed()));
    }),
  );
});

test("a last line without its newline is a line", () => {
  expect(split([Buffer.from("a\nb")])).toEqual(["a", "b"]);
  expect(split([Buffer.from("a\n")])).toEqual(["a"]);
  expect(split([Buffer.from("abcd\nef\nghij")], 3)).toEqual([4, "ef", 4]);
});

test("fit keeps the longest beginning whose JSON fits, and no half character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 2, max: 40 }), (text, limit) => {
      const kept = fit(text, limit);
      expect(text.startsWith(kept)).toBe(true);
      expect(Buffer.byteLength(JSON.stringify(kept))).toBeLessThanOrEqual(limit);
      expect(kept === text).toBe(Buffer.byteLength(JSON.stringify(text)) <= limit);
      expect(kept.isWellFormed()).toBe(true);
    }),
  );
  expect(fit("a😀", 6)).toBe("a");
});
