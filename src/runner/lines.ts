/**
 * Bytes to lines. Output arrives in pieces that end anywhere, also inside a character; only whole lines are decoded,
 * and no line takes more memory than its limit.
 */
import { bounds } from "../core/protocol.ts";

export type LineSink = {
  /** Without its newline. */
  line(text: string): void;
  /** A line above the limit: how it began, and all of its bytes counted. */
  cut(beginning: string, bytes: number): void;
};

const beginningBytes = 200;

export function splitLines(sink: LineSink, limitBytes: number = bounds.lineBytes) {
  let kept = Buffer.alloc(0);
  let seenBytes = 0;

  const keep = (piece: Buffer): void => {
    const had = Math.min(seenBytes, limitBytes);
    seenBytes += piece.length;
    const wanted = Math.min(seenBytes, limitBytes);
    if (wanted > kept.length) {
      const larger = Buffer.alloc(Math.min(limitBytes, Math.max(wanted, 2 * kept.length)));
      kept.copy(larger, 0, 0, had);
      kept = larger;
    }
    piece.copy(kept, had, 0, wanted - had);
  };

  const endLine = (): void => {
    if (seenBytes > limitBytes) sink.cut(kept.toString("utf8", 0, beginningBytes), seenBytes);
    else sink.line(kept.toString("utf8", 0, seenBytes));
    seenBytes = 0;
  };

  return {
    write(chunk: Buffer): void {
      let from = 0;
      for (let to = chunk.indexOf(10); to !== -1; to = chunk.indexOf(10, from)) {
        keep(chunk.subarray(from, to));
        endLine();
        from = to + 1;
      }
      keep(chunk.subarray(from));
    },
    /** What came after the last newline is a line too. */
    end(): void {
      if (seenBytes > 0) endLine();
    },
  };
}

/** The longest beginning whose JSON stays within the limit; never half of a surrogate pair. */
export function fit(text: string, limitBytes: number): string {
  const size = (length: number): number => Buffer.byteLength(JSON.stringify(text.slice(0, length)));
  let length = text.length;
  for (let bytes = size(length); length > 0 && bytes > limitBytes; bytes = size(length)) {
    // Less than it was, because the bytes are more than the limit.
    length = Math.max(0, Math.floor((length * limitBytes) / bytes));
  }
  return length < text.length ? text.slice(0, length).replace(/[\ud800-\udbff]$/, "") : text;
}
