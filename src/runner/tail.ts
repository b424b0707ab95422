/** Keeps the end of the combined output for the result, in bounded memory. */
import { bounds } from "../core/protocol.ts";

export type Tail = { add(line: string): void; read(): string };

export function openTail(limitBytes: number = bounds.tailBytes): Tail {
  let kept = "";
  return {
    add(line) {
      // A UTF-16 unit takes at least one byte, so nothing is lost that the limit has room for.
      kept = `${kept}${line}\n`.slice(-limitBytes);
    },
    read() {
      const bytes = Buffer.from(kept);
      let from = Math.max(0, bytes.length - limitBytes);
      // A byte of the form 10xxxxxx is not the first of its character.
      while (from > 0 && ((bytes[from] ?? 0) & 0xc0) === 0x80) from += 1;
      return bytes.toString("utf8", from);
    },
  };
}
