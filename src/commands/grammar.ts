/** Reads the words behind a command's name into its input. One reader for all commands and all surfaces. */
import { inlineCode, type Markdown } from "../core/markdown.ts";
import { nearestOf } from "../core/nearest.ts";
import type { Documented, OptionGrammar, Positional } from "./command.ts";
import type { Mistake } from "./wrong.ts";
import type { Line, Word } from "./words.ts";

/** The words behind a command's name as the person gave them. */
export interface Given {
  readonly line: Line;
  /** Index of the first word behind the command's name. */
  readonly from: number;
  /** What stands below the line. */
  readonly body: string;
}

/** The input as JSON, not yet checked, and where each part of it stands. */
export interface Read {
  readonly input: Readonly<Record<string, unknown>>;
  readonly places: ReadonlyMap<string, Word>;
}

export function readWords(command: Documented, given: Given): Read | Mistake {
  const input: Record<string, unknown> = {};
  const places = new Map<string, Word>();
  const { words } = given.line;
  const plain: Word[] = [];
  let at = given.from;
  for (let word = words[at]; word !== undefined; word = words[at]) {
    if (isEndOfOptions(word)) return readArgv(command, given, at, { input, places });
    if (!looksLikeOption(word)) {
      if (command.positional.kind === "rest") break;
      plain.push(word);
      at += 1;
      continue;
    }
    const option = readOption(command, word, words[at + 1]);
    if ("because" in option) return option;
    const before = places.get(option.grammar.key);
    if (before !== undefined) return { at: word, because: twice(option.grammar, before, word) };
    input[option.grammar.key] = option.value;
    places.set(option.grammar.key, option.place);
    at += option.words;
  }
  const read = { input, places };
  return command.positional.kind === "rest"
    ? readRest(command.positional, given.line.words.slice(at), given, read)
    : readPlain(command, command.positional, plain, read);
}

/** Switches that set the same key exclude each other. */
function twice({ name, value }: OptionGrammar, before: Word, word: Word): Markdown {
  const code = inlineCode(`--${name}`);
  return value === undefined && before.text !== word.text
    ? `${code} does not go with ${inlineCode(before.text)}.`
    : `${code} is given twice.`;
}

const isEndOfOptions = (word: Word): boolean => word.bare && word.text === "--";

/** Phones turn two hyphens into a dash: `—gpu` is read as `--gpu`. A dash alone could be either, so it is left alone here. */
const dashes = /^(?:-{1,2}|[\u2013\u2014])(?=[A-Za-z])/;
const looksLikeOption = (word: Word): boolean => word.bare && dashes.test(word.text);

interface OptionRead {
  readonly grammar: OptionGrammar;
  readonly value: string | boolean;
  /** Of the value, or of a switch itself. */
  readonly place: Word;
  /** How many words it took. */
  readonly words: number;
}

function readOption(command: Documented, word: Word, next: Word | undefined): OptionRead | Mistake {
  const [, name = "", inline] = /^([^=]*)(?:=(.*))?$/su.exec(word.text.replace(dashes, "")) ?? [];
  const grammar = /^-[A-Za-z]/.test(word.text) ? undefined : command.options.find((each) => each.name === name);
  if (grammar === undefined) return unknownOption(command, word, name);
  const code = inlineCode(`--${name}`);
  if (word.open) return openQuote(word);
  if (grammar.value === undefined) {
    if (inline !== undefined) return { at: word, because: `${code} takes no value.` };
    return { grammar, value: grammar.sets ?? true, place: word, words: 1 };
  }
  if (inline !== undefined && inline !== "") return { grammar, value: inline, place: word, words: 1 };
  if (inline === "" || next === undefined || isEndOfOptions(next) || looksLikeOption(next)) {
    return { at: word, because: `${code} needs a value: \`--${name} ${grammar.value}\`.` };
  }
  return next.open ? openQuote(next) : { grammar, value: next.text, place: next, words: 2 };
}

function unknownOption(command: Documented, word: Word, name: string): Mistake {
  const names = command.options.map((option) => option.name);
  const near = nearestOf(name, names);
  const said = inlineCode(word.text.replace(/=.*$/su, ""));
  const options = names.map((each) => `\`--${each}\``).join(", ");
  const cure =
    near !== undefined ? `Did you mean \`--${near}\`?` : names.length === 0 ? "It takes none." : `It takes ${options}.`;
  return {
    at: word,
    because: `\`${command.name}\` has no option ${said}. ${cure}`,
    nearest: near === undefined ? undefined : `--${near}`,
  };
}

const openQuote = (word: Word): Mistake => ({ at: word, because: "This quote is not closed." });

function readArgv(command: Documented, given: Given, at: number, read: Read): Read | Mistake {
  const { positional } = command;
  const dash = given.line.words[at];
  if (positional.kind !== "rest") return { at: dash, because: `\`${command.name}\` takes no command behind \`--\`.` };
  const argv = given.line.words.slice(at + 1);
  const open = argv.find((word) => word.open);
  if (open !== undefined) return openQuote(open);
  if (argv.length === 0) return { at: undefined, because: "Say what to run behind `--`: `run -- npm test`." };
  return { ...read, input: { ...read.input, [positional.argvKey]: argv.map((word) => word.text) } };
}

type Rest = Extract<Positional, { kind: "rest" }>;
type PlainWords = Exclude<Positional, Rest>;

function readRest(positional: Rest, rest: readonly Word[], given: Given, read: Read): Read | Mistake {
  const [first] = rest;
  const instruction = restOfLine(given.line, rest);
  if (/^[\u2013\u2014]$/.test(first?.text ?? "") && first?.bare === true) {
    return {
      at: first,
      because: "This is a dash. For a command, write two hyphens: `run -- npm test`; for an instruction, leave it out.",
      nearest: "--",
    };
  }
  if (instruction === "") return { at: undefined, because: nothingToDo };
  const body = given.body === "" ? {} : { [positional.bodyKey]: given.body };
  return { ...read, input: { ...read.input, [positional.key]: instruction, ...body } };
}

/** Words with options between them. */
function readPlain(command: Documented, positional: PlainWords, words: readonly Word[], read: Read): Read | Mistake {
  const [first] = words;
  if (first === undefined) return read;
  const more = words[positional.kind === "none" ? 0 : (positional.most ?? 1)];
  const open = words.find((word) => word.open);
  if (open !== undefined) return openQuote(open);
  if (more !== undefined || positional.kind === "none")
    return { at: more, because: `This is one word too many: \`${command.usage}\`.` };
  const { key } = positional;
  const place = { ...first, to: words.at(-1)?.to ?? first.to };
  return {
    input: { ...read.input, [key]: words.map((word) => word.text).join(" ") },
    places: new Map([...read.places, [key, place]]),
  };
}

const nothingToDo =
  "Say on this line what to do: `run fix the failing test`. A plain command stands behind two hyphens: `run -- npm test`.";

/** As it was written, because quotes and blanks can matter in an instruction; without the quotes around the whole. */
function restOfLine(line: Line, rest: readonly Word[]): string {
  const [first] = rest;
  if (first === undefined) return "";
  return rest.length === 1 && !first.bare ? first.text.trim() : line.text.slice(first.from).trim();
}
