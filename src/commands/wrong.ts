/** A command that cannot be read: said with the place marked in the person's own words, and with the nearest right one. */
import { fence, visible, type Markdown } from "../core/markdown.ts";
import type { Line, Word } from "./words.ts";

export interface Wrong {
  readonly kind: "wrong";
  /** Number of the line in the text, from 1. */
  readonly line: number;
  /** To be posted as it is. */
  readonly message: Markdown;
  /** The word that was probably meant. */
  readonly nearest: string | undefined;
}

/** Why a part of a line is wrong; the reader of the line knows where the line stands. */
export interface Mistake {
  /** The word, or the end of the line where something is missing. */
  readonly at: Pick<Word, "from" | "to"> | undefined;
  /** One or more sentences; words of the person in them are code spans. */
  readonly because: Markdown;
  readonly nearest?: string | undefined;
}

export function wrong(line: Line, number: number, mistake: Mistake): Wrong {
  const shown = fence(marked(line.text, mistake.at), "text");
  return { kind: "wrong", line: number, message: `${shown}\n\n${mistake.because}`, nearest: mistake.nearest };
}

const around = 60;

/** The line, and a second one with `^` below the place; of a long line only what is around it. */
function marked(line: string, at: Mistake["at"]): string {
  const text = at === undefined ? `${line} ` : line;
  const from = at?.from ?? text.length;
  const to = Math.min(at?.to ?? text.length, from + around);
  const start = to <= 2 * around ? 0 : from - around;
  const end = Math.max(start + 2 * around, to);
  const before = `${start > 0 ? "…" : ""}${evenBlanks(text.slice(start, from))}`;
  const place = evenBlanks(text.slice(from, to));
  const behind = `${evenBlanks(text.slice(to, end))}${end < text.length ? "…" : ""}`;
  return `${before}${place}${behind}\n${" ".repeat(columns(before))}${"^".repeat(Math.max(1, columns(place)))}`;
}

/** Every blank as wide as one, so that the mark stands where it should. */
const evenBlanks = (text: string): string => visible(text).replace(/\s/g, " ");

/** Width in a fixed font, where East Asian letters and emoji take two columns. */
const columns = (text: string): number =>
  Array.from(text.replace(/\p{M}|\u200d/gu, "")).reduce(
    (sum, letter) =>
      sum +
      (/\p{Extended_Pictographic}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60]/u.test(letter)
        ? 2
        : 1),
    0,
  );
