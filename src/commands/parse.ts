/** What people say to us, read: not mine, mine, or mine but wrong. Nothing here acts, and nothing throws. */
import { inlineCode } from "../core/markdown.ts";
import { nearestOf } from "../core/nearest.ts";
import { commandLines } from "./command-lines.ts";
import type { Surface } from "./command.ts";
import { readWords, type Read } from "./grammar.ts";
import { firstWords, noSuchCommand } from "./help.ts";
import { commands, type AnyCommand, type Asked } from "./registry.ts";
import { lineOf, readLine, type Line } from "./words.ts";
import { wrong, type Mistake, type Wrong } from "./wrong.ts";

export type Said = ({ readonly kind: "command"; readonly line: number } & Asked) | Wrong;

/** A comment with more is a mistake or an attack: each `run` is a task. */
const mostCommands = 10;

const unread =
  "There are too many quotes and lists above this line to tell how it is shown. Write it in a comment of its own.";

/** Everything in a comment, review or issue body that speaks to us, in the order of its lines. */
export function parseComment(text: string): Said[] {
  const found = commandLines(text);
  const said = found
    .slice(0, mostCommands)
    .map(({ number, text, body, isUnread }) =>
      isUnread
        ? wrong(readLine(text), number, { at: undefined, because: unread })
        : read("comment", { line: readLine(text), number, body }),
    );
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
  const found = ofFamily(line) ?? inWord(asked, line, here);
  if (!("command" in found)) return wrong(line, number, found);
  const { command, from } = found;
  const words = readWords(command, { line, from, body });
  if ("because" in words) return wrong(line, number, words);
  const meant = meantWith(command, words.input);
  const checked = meant.command.check(meant.input);
  if (!("because" in checked)) return { kind: "command", line: number, ...checked };
  const { key, because } = checked;
  const mistake: Mistake = { at: key === undefined ? undefined : words.places.get(key), because };
  return wrong(line, number, mistake);
}

/** `run --dry-run` is another way to write `estimate run`. */
function meantWith(command: AnyCommand, input: Read["input"]): { command: AnyCommand; input: Read["input"] } {
  const option = command.options.find(({ key, instead }) => instead !== undefined && Object.hasOwn(input, key));
  const instead = commands.find(({ name }) => name === option?.instead);
  if (option === undefined || instead === undefined) return { command, input };
  return { command: instead, input: Object.fromEntries(Object.entries(input).filter(([key]) => key !== option.key)) };
}

type Found = { readonly command: AnyCommand; readonly from: number } | Mistake;

/** A command of one word. */
function inWord(asked: string, line: Line, here: readonly AnyCommand[]): Found {
  const command = here.find((each) => each.name === asked);
  if (command !== undefined) return { command, from: 2 };
  const name = line.words[1];
  const nearest = nearestOf(asked, firstWords(here));
  return { at: name, because: noSuchCommand(name?.text ?? "", here), nearest };
}

/** `budget set`, whatever the surface: where it may be asked is for the gate to say. Undefined where no family is named. */
function ofFamily({ words }: Line): Found | undefined {
  const [, first, second] = words;
  if (first === undefined || second?.bare !== true || !/^[a-z]+$/i.test(second.text)) return undefined;
  const family = `${first.text.toLowerCase()} `;
  const names = commands.flatMap((command) =>
    [command.name, command.alias ?? ""].filter((name) => name.startsWith(family)).map((name) => ({ name, command })),
  );
  if (names.length === 0) return undefined;
  const word = second.text.toLowerCase();
  const found = names.find(({ name }) => name === family + word);
  if (found !== undefined) return { command: found.command, from: 3 };
  const actions = names.map(({ name }) => name.slice(family.length));
  const nearest = nearestOf(word, actions);
  const cure =
    nearest === undefined
      ? `Behind ${inlineCode(first.text)} can stand ${actions.map(inlineCode).join(", ")}.`
      : `Did you mean ${inlineCode(family + nearest)}?`;
  return { at: second, because: `There is no command ${inlineCode(family + second.text)}. ${cure}`, nearest };
}
