/** Keeps the end of the combined output for the result, in bounded memory. */
import { bounds } from "../core/protocol.ts";

type Tail = { add(line: string): void; read(): string };

/** Behind what is left of the line: in front of it, what is left of a known secret there would not be recognised. */
const cutNote = " [cut: too long a line]\n";

/**
 * What was cut never leaves the rest of a token at the start, which no redaction could recognise: the tail starts
 * with a whole line or, where not even the last one with words fits, with a whole word of it. `limitBytes` has room for the note.
 */
export function openTail(limitBytes: number = bounds.tailBytes): Tail {
  let kept = "";
  return {
    add(line) {
      // A UTF-16 unit takes at least one byte: with one above the limit, what was cut shows as too many bytes.
      kept = `${kept}${line}\n`.slice(-limitBytes - 1);
    },
    read() {
      const bytes = Buffer.from(kept);
      const from = bytes.length - limitBytes;
      if (from <= 0) return kept;
      // From the byte before: where it ends a line, the next one is whole.
      const lines = bytes.toString("utf8", bytes.indexOf("\n", from - 1) + 1);
      if (lines.trim() !== "") return lines;
      const words = bytes.toString("utf8", from + cutNote.length).replace(/^\S*/, "");
      return words.trim() + cutNote;
    },
  };
}
