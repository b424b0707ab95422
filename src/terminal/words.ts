/** Words made for a page, as a terminal shows them. */
import type { Markdown } from "../core/markdown.ts";

/** In order of precedence at one place: a block of code, a mark that was made plain, code in a line. */
const literal = /^(`{3,})\w*\n([\s\S]*?)\n\1$|\\([!-/:-@[-`{-~])|(?<!`)(`+)(?!`)([^\n]*?[^`\n])\4(?!`)/gm;

/** What only a page draws is taken away, and a link shows its address; code stays as it is. */
export function forTerminal(markdown: Markdown): string {
  const kept: string[] = [];
  const keep = (text: string): string => `\ue000${kept.push(text) - 1}\ue001`;
  return markdown
    .replaceAll(literal, (_, __, block?: string, mark?: string, ___?: string, code?: string) =>
      keep(block?.replaceAll(/^/gm, "    ") ?? mark ?? withoutPad(code ?? "")),
    )
    .replaceAll(/<!--.*?-->\n?/g, "")
    .replaceAll(/<summary>(.*?)<\/summary>/g, "$1:")
    .replaceAll(/<\/?(?:sub|details)>/g, "")
    .replaceAll(/\[([^\]\n]+)\]\(([^)\s]+)\)/g, "$1 ($2)")
    .replaceAll(/\*\*([^*\n]+)\*\*/g, "$1")
    .replaceAll(/(?<!\w)\*(?=\S)([^*\n]+)(?<=\S)\*(?!\w)/g, "$1")
    .replaceAll(/^### /gm, "")
    .replaceAll(/\ue000(\d+)\ue001/g, (_, at: string) => kept[Number(at)] ?? "")
    .replaceAll("\u200b", "");
}

/** A code span that begins or ends with a tick is padded on both sides. */
const withoutPad = (code: string): string => (/^ .*\S.* $/.test(code) ? code.slice(1, -1) : code);
