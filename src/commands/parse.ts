/** What people say to us, read: not mine, mine, or mine but wrong. Nothing here acts, and nothing throws. */
import { commandLines } from "./command-lines.ts";
import type { Surface } from "./command.ts";
import { readWords } from "./grammar.ts";
import { noSuchCommand } from "./help.ts";
import { commands, type Asked } from "./registry.ts";
import { lineOf, readLine, type Line } from "./words.ts";
import { nearestOf, wrong, type Mistake, type Wrong } from "./wrong.ts";

export type Said = ({ readonly kind: "command"; readonly line: number } & Asked) | Wrong;

/** A comment with more is a mistake or an attack: each `run` is a task. */
const mostCommands = 10;

/** Everything in a comment, review or issue body that speaks to us, in the order of its lines. */
export function parseComment(text: string): Said[] {
  const found = commandLines(text);
  const said = found
    .slice(0, mostCommands)
    .map(({ number, text, body }) => read("comment", { line: readLine(text), number, body }));
  const tooMany = found[mostCommands];
  if (tooMany === undefined) return said;
  const because = `A comment can hold ${mostCommands} commands. This one and what follows are left out.`;
  return [...said, wrong(readLine(tooMany.text), tooMany.number, { at: undefined, because })];
}

/** The words behind `parhelia` at a terminal, as a shell gives them. */
export const parseArgv = (argv: readonly string[]): Said =>
  read("terminal", { line: lineOf("parhelia", argv), number: 1, body: "" });

/** A line whose first word is our name. */
function read(surface: Surface, given: { line: Line; number: number; body: string }): Said {
  const { line, number, body } = given;
  const here = commands.filter((each) => each.surfaces.some((shown) => shown === surface));
  const [, name] = line.words;
  // Our name alone is a question.
  const asked = name === undefined ? "help" : name.text.toLowerCase();
  const command = here.find((each) => each.name === asked);
  if (command === undefined) {
    const nearest = nearestOf(
      asked,
      here.map((each) => each.name),
    );
    return wrong(line, number, { at: name, because: noSuchCommand(name?.text ?? "", here), nearest });
  }
  const words = readWords(command, { line, from: 2, body });
  if ("because" in words) return wrong(line, number, words);
  const checked = command.check(words.input);
  if (!("because" in checked)) return { kind: "command", line: number, ...checked };
  const { key, because } = checked;
  const mistake: Mistake = { at: key === undefined ? undefined : words.places.get(key), because };
  return wrong(line, number, mistake);
}
