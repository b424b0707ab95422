/** `help`: what can be asked, from the same descriptions that the reader of commands uses. */
import { z } from "zod";
import { elapsed } from "../core/headline.ts";
import { fence, inlineCode, type Markdown } from "../core/markdown.ts";
import { dollars } from "../core/money.ts";
import { nearestOf } from "../core/nearest.ts";
import { Refusal } from "../core/refusal.ts";
import type { Place } from "../core/task.ts";
import { command, typed, type Documented, type OptionGrammar, type RunDefaults } from "./command.ts";

export const help = command({
  name: "help",
  usage: "help [command]",
  summary: "List the commands, or explain one.",
  needs: "none",
  surfaces: ["comment", "terminal"],
  options: [],
  positional: { kind: "word", key: "command", most: 2 },
  examples: ["help", "help run"],
  input: z.strictObject({ command: z.string().max(100).describe("The command to explain").optional() }),
  async run(asked, { asker, commands, defaults }) {
    const here = commands.filter((each) => each.surfaces.includes(surfaceOf(asker.place)));
    if (asked.command === undefined) return overview(here, asker.place);
    const name = asked.command.toLowerCase();
    const found = here.find((each) => each.name === name || each.alias === name);
    if (found !== undefined) {
      const family = here.filter((each) => each.name.startsWith(`${found.name} `));
      return [explained(found, asker.place, defaults), ...more(family, asker.place)].join("\n\n");
    }
    throw new Refusal(noSuchCommand(asked.command, here));
  },
});

const surfaceOf = (place: Place) => (place.kind === "terminal" ? "terminal" : "comment");

/** Families count once: `budget` stands for `budget set` as well. */
export const firstWords = (commands: readonly Documented[]): string[] =>
  commands.map((each) => each.name).filter((name) => !name.includes(" "));

/** For a word that is no command: the nearest one, or all of them. */
export function noSuchCommand(word: string, commands: readonly Documented[]): Markdown {
  const names = firstWords(commands);
  const near = nearestOf(word, names);
  const cure =
    near === undefined ? `The commands are ${names.map(inlineCode).join(", ")}.` : `Did you mean ${inlineCode(near)}?`;
  return `There is no command ${inlineCode(word)}. ${cure}`;
}

// Commands stand in code only, so that this text, quoted or sent back to us, asks for nothing.
const overview = (commands: readonly Documented[], place: Place): Markdown =>
  [
    "### What you can ask",
    commands.map((each) => `- ${usages(each, place)}\n  ${each.summary}${right(each)}`).join("\n"),
    "Some examples:",
    fence(commands.flatMap((each) => each.examples.slice(0, 2).map((words) => typed(place, words))).join("\n"), "text"),
    ...(place.kind === "issue" ? [rules] : []),
    `<sub>More about one of them: ${inlineCode(typed(place, "help run"))}</sub>`,
  ].join("\n\n");

const rules =
  "A command is a line of its own in a new comment; several may follow each other. Quotes, code and edited comments ask for nothing.";

const usages = (command: Documented, place: Place): Markdown =>
  command.usage
    .split(" | ")
    .map((usage) => inlineCode(typed(place, usage)))
    .join(" or ");

const right = ({ needs }: Documented): Markdown => (needs === "none" ? "" : ` Needs **${needs}** access.`);

const explained = (command: Documented, place: Place, defaults: RunDefaults): Markdown =>
  [
    `### ${inlineCode(command.name)}`,
    `${command.summary}${right(command)}`,
    usages(command, place),
    ...(command.options.length === 0 ? [] : [optionTable(command.options)]),
    ...(command.positional.kind === "rest" ? [restRules, usual(defaults)] : []),
    fence(command.examples.map((words) => typed(place, words)).join("\n"), "text"),
  ].join("\n\n");

/** What else begins with its name. */
const more = (family: readonly Documented[], place: Place): Markdown[] =>
  family.length === 0
    ? []
    : [`Of the same family: ${family.map(({ name }) => inlineCode(typed(place, `help ${name}`))).join(", ")}`];

const restRules =
  "Options come before the instruction; `--name=value` works too. Quotes group words. A command behind `--` is not read by a shell: for pipes and variables, run `bash -c '…'`.";

const usual = ({ timeoutMs, budget, cpu, memoryMiB }: RunDefaults): Markdown =>
  `Unless you say otherwise: at most ${elapsed(timeoutMs)} and ${dollars(budget)}, ${cpu} CPU cores, ${memoryMiB / 1024} GiB of memory, no GPU.`;

const optionTable = (options: readonly OptionGrammar[]): Markdown =>
  [
    "| option | what it sets |",
    "|---|---|",
    ...options.map(({ name, value, summary }) => {
      const shown = value === undefined ? `--${name}` : `--${name} ${value}`;
      return `| ${inlineCode(shown)} | ${summary} |`;
    }),
  ].join("\n");
