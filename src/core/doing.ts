/** What an agent does, in plain words: `editing src/queue.ts` from the name of a tool and what it was given. */
import { inlineCode } from "./markdown.ts";

/** Of Claude Code's tools those that say more by a verb. */
const verbs = new Map([
  ["Bash", "running"],
  ["Read", "reading"],
  ["Edit", "editing"],
  ["MultiEdit", "editing"],
  ["NotebookEdit", "editing"],
  ["Write", "writing"],
  ["Grep", "searching for"],
  ["Glob", "looking for"],
  ["WebFetch", "fetching"],
  ["WebSearch", "searching the web for"],
]);

const shownCharacters = 80;

/** `given` is what tells most about the call: a path, a command, a pattern. Both are untrusted; the answer is text with code spans. */
export function doingWords(tool: string, given: string): string {
  const verb = verbs.get(tool) ?? `using ${tool}`;
  const characters = Array.from(given.trim().replace(/^\/workspace\/(?=.)/, ""));
  const what = characters.length <= shownCharacters ? characters : [...characters.slice(0, shownCharacters - 1), "…"];
  return what.length === 0 ? verb : `${verb} ${inlineCode(what.join(""))}`;
}
