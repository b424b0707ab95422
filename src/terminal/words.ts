/** Words made for a page, as a terminal shows them. */
import type { Markdown } from "../core/markdown.ts";

/** Marks that only a page draws are taken away; nothing else changes. */
export const forTerminal = (markdown: Markdown): string =>
  markdown
    .replaceAll(/<\/?sub>/g, "")
    .replaceAll(/\*\*([^*\n]+)\*\*/g, "$1")
    .replaceAll(/^### /gm, "")
    .replaceAll(/^```\w*\n([\s\S]*?)\n```$/gm, (_, text: string) => text.replaceAll(/^/gm, "    "))
    .replaceAll(/(`+) ?([^`\n]+?) ?\1/g, "$2")
    .replaceAll("\u200b", "");
