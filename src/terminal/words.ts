/** Words made for a page, as a terminal shows them. */
import type { Markdown } from "../core/markdown.ts";

/** In order of precedence at one place: a block of code, a mark that was made plain, code in a line. */
const literal = /^(`{3,})\w*\n([\s\S]*?)\n\1$|\\([!-/:-@[-`{-~])|(?<!`)(`+)(?!`)([^\n]*?[^`\n])\4(?!`)/gm;

/** What only a page draws is taken away, and a link shows its address; code stays as it is. */
export function forTerminal(markdown: Markdown): string {
  const kept: string[] = [];
  const keep = (text: string): string => `\ue000${kept.push(text) - 1}\ue001`;
  const restore = (text: string): string =>
    text.replaceAll(/\ue000(\d+)\ue001/g, (_, at: string) => kept[Number(at)] ?? "").replaceAll("\u200b", "");
  const marked = markdown
    .replaceAll(literal, (_, __, block?: string, mark?: string, ___?: string, code?: string) =>
      keep(block?.replaceAll(/^/gm, "    ") ?? mark ?? withoutPad(code ?? "")),
    )
    .replaceAll(/<!--.*?-->\n?/g, "")
    .replaceAll(/<summary>(.*?)<\/summary>/g, "$1:")
    .replaceAll(/<\/?(?:sub|details)>/g, "")
    .replaceAll(/\[([^\]\n]+)\]\(([^)\s]+)\)/g, "$1 ($2)")
    .replaceAll(/\*\*([^*\n]+)\*\*/g, "$1")
    .replaceAll(/(?<!\w)\*(?=\S)([^*\n]+)(?<=\S)\*(?!\w)/g, "$1")
    .replaceAll(/^### /gm, "");
  // Tables first: a pipe that is restored is a letter and ends no cell.
  return restore(marked.replaceAll(tables, (found) => columns(found, restore)));
}

/** The head, the line that says how columns stand, and the rows. */
const tables = /^\|.*\|\n\|[-:| ]+\|(?:\n\|.*\|)*$/gm;

const cellsOf = (line: string): string[] =>
  line
    .slice(1, -1)
    .split("|")
    .map((cell) => cell.trim());

/** A table as columns of the same width. */
function columns(found: string, restore: (cell: string) => string): string {
  const [head = [], marks = [], ...rows] = found.split("\n").map(cellsOf);
  const shown = [head, ...rows].map((cells) => cells.map(restore));
  const widths = head.map((_, place) => Math.max(...shown.map((cells) => cells[place]?.length ?? 0)));
  const set = (cell: string, place: number): string => {
    const width = widths[place] ?? 0;
    return marks[place]?.endsWith(":") === true ? cell.padStart(width) : cell.padEnd(width);
  };
  return shown.map((cells) => cells.map(set).join("  ").trimEnd()).join("\n");
}

/** A code span that begins or ends with a tick is padded on both sides. */
const withoutPad = (code: string): string => (/^ .*\S.* $/.test(code) ? code.slice(1, -1) : code);
