import { expect, test } from "vitest";
import { commands } from "../../src/commands/registry.ts";
import { help } from "../../src/commands/help.ts";
import type { Ask } from "../../src/commands/command.ts";
import { parseArgv, parseComment } from "../../src/commands/parse.ts";
import { InstallationId, TaskId } from "../../src/core/ids.ts";
import { hourMs, Instant } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import type { Place } from "../../src/core/task.ts";
import { startLimits } from "../world/start-limits.ts";

const untouched = () => Promise.reject(new Error("help needs no store"));
const store: Store = { commit: untouched, look: untouched, onWake: () => () => {}, close: async () => {} };
const issue: Place = {
  kind: "issue",
  installation: InstallationId.parse(1),
  repository: { id: 1, owner: "acme", name: "widgets" },
  number: 1,
  pullRequest: false,
};
const unbounded = { day: undefined, month: undefined };
const terminal: Place = { kind: "terminal", directory: "/src" };
const ask = (place: Place): Ask => ({
  asker: { place, actor: { id: 7, login: "dana" } },
  store,
  ids: { task: () => TaskId.parse("t_aaaaaaa1") },
  defaults: { timeoutMs: hourMs, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null },
  budgets: { user: unbounded, repository: unbounded, installation: unbounded, service: unbounded },
  limits: startLimits,
  held: "none",
  settings: untouched,
  now: Instant.parse(0),
  op: "help",
  commands,
});
const shown = (command?: string, place: Place = issue) =>
  help.run(command === undefined ? {} : { command }, ask(place));
const inComments = commands.filter(({ surfaces }) => surfaces.some((surface) => surface === "comment"));
const pages = () => Promise.all([shown(), ...inComments.map((command) => shown(command.name))]);

/** Every line of a code block, and every code span without a placeholder. */
const printed = (markdown: string): string[] => {
  const blocks = Array.from(markdown.matchAll(/```text\n([\s\S]*?)\n```/g), (found) => found[1] ?? "");
  const spans = Array.from(markdown.matchAll(/`([^`\n]+)`/g), (found) => found[1] ?? "");
  return [...blocks.flatMap((block) => block.split("\n")), ...spans.filter((span) => !/[<[|…]/.test(span))].filter(
    (text) => text.startsWith("/parhelia "),
  );
};

test("every command that help prints can be typed as it stands", async () => {
  const all = (await pages()).flatMap(printed);
  expect(all.length).toBeGreaterThan(commands.length);
  for (const line of all) expect(parseComment(line)).toEqual([expect.objectContaining({ kind: "command", line: 1 })]);
});

test("every documented example is read as its own command, in a comment and at a terminal", () => {
  for (const command of commands) {
    expect(command.examples).not.toEqual([]);
    for (const example of command.examples) {
      expect(parseComment(`/parhelia ${example}`)).toMatchObject([{ kind: "command", name: command.name }]);
    }
  }
  expect(parseArgv(["run", "--no-publish", "--", "npm", "test"])).toMatchObject({ kind: "command", name: "run" });
});

test("every option of the grammar is a part of the input, and every part can be typed", () => {
  for (const command of commands) {
    const { positional } = command;
    const rest = positional.kind === "rest" ? [positional.bodyKey, positional.argvKey] : [];
    const words = positional.kind === "none" ? [] : [positional.key];
    const typable = [
      ...words,
      ...rest,
      ...command.options.flatMap(({ key, instead }) => (instead === undefined ? [key] : [])),
    ];
    expect(new Set(typable)).toEqual(new Set(Object.keys(command.input.shape)));
  }
});

test("case 5: our own help text asks for nothing", async () => {
  for (const page of await pages()) expect(parseComment(page)).toEqual([]);
});

test("help names every command, the right it needs and how to type it here", async () => {
  expect(await shown()).toMatchInlineSnapshot(`
    "### What you can ask

    - \`/parhelia run [options] <instruction…>\` or \`/parhelia run [options] -- <command…>\`
      Let an agent do what the line and the text below it say, or run a plain command. Needs **write** access.
    - \`/parhelia estimate run [options] <instruction…>\` or \`/parhelia estimate run [options] -- <command…>\`
      Say what a run would take and cost, what bounds it and whether it would start now, without starting it. Needs **read** access.
    - \`/parhelia status [task]\`
      Say how a task stands: the newest one here, or the one with this id. Needs **read** access.
    - \`/parhelia cancel [task]\`
      Stop a task: the newest one here, or the one with this id. Needs **write** access.
    - \`/parhelia retry [task] [--budget <dollars>]\`
      Start an ended task again from the commit it began with, with its budget anew. One that its ceiling stopped goes on from what it kept when you give it a budget. Needs **write** access.
    - \`/parhelia publish [task]\`
      Publish a kept result that could not be published, without running anything again. Needs **write** access.
    - \`/parhelia approve [task]\`
      Agree to what a task may cost that waits for that: it starts. Needs **maintain** access.
    - \`/parhelia reject [task] [reason…]\`
      Refuse a task that waits for somebody's word; whoever asked reads the reason. Needs **maintain** access.
    - \`/parhelia budget [show] [task]\`
      Show what is spent and reserved of the ceilings that hold here, or of a task's. Needs **read** access.
    - \`/parhelia budget history [--days <count>|--months <count>]\`
      Show what was spent on each of the last 30 days, or in each month: in this repository, and at a terminal by the whole service. Needs **read** access.
    - \`/parhelia budget forecast\`
      Say what this month comes to if spending goes on as before, and when its ceiling would be reached: in this repository, and at a terminal by the whole service. Needs **read** access.
    - \`/parhelia pricing [name]\`
      Show what models and machines cost, or one of them, and what a month of use comes to.
    - \`/parhelia help [command]\`
      List the commands, or explain one.

    Some examples:

    \`\`\`text
    /parhelia run fix the null check when the list is empty
    /parhelia run --gpu H100 --timeout 2h --budget $20 "train the small model"
    /parhelia estimate run fix the null check when the list is empty
    /parhelia estimate run --gpu H100 -- make train
    /parhelia status
    /parhelia status t_7k2m41qz
    /parhelia cancel
    /parhelia cancel t_7k2m41qz
    /parhelia retry
    /parhelia retry t_7k2m41qz
    /parhelia publish
    /parhelia publish t_7k2m41qz
    /parhelia approve
    /parhelia approve t_7k2m41qz
    /parhelia reject
    /parhelia reject t_7k2m41qz ask for a smaller GPU first
    /parhelia budget
    /parhelia budget t_7k2m41qz
    /parhelia budget history
    /parhelia budget history --days 7
    /parhelia budget forecast
    /parhelia pricing
    /parhelia pricing claude-opus-5-5
    /parhelia help
    /parhelia help run
    \`\`\`

    A command is a line of its own in a new comment; several may follow each other. Quotes, code and edited comments ask for nothing.

    <sub>More about one of them: \`/parhelia help run\`</sub>"
  `);
  expect(await shown("cancel", terminal)).toMatchInlineSnapshot(`
    "### \`cancel\`

    Stop a task: the newest one here, or the one with this id. Needs **write** access.

    \`parhelia cancel [task]\`

    \`\`\`text
    parhelia cancel
    parhelia cancel t_7k2m41qz
    \`\`\`"
  `);
  expect(await shown("run")).toMatchInlineSnapshot(`
    "### \`run\`

    Let an agent do what the line and the text below it say, or run a plain command. Needs **write** access.

    \`/parhelia run [options] <instruction…>\` or \`/parhelia run [options] -- <command…>\`

    | option | what it sets |
    |---|---|
    | \`--gpu <type[:count]>\` | GPU, such as \`H100\` or \`A100-80GB:2\`; of \`H100,A100\` the first that is free is taken |
    | \`--cpu <cores>\` | CPU cores |
    | \`--memory <GiB>\` | memory, such as \`8\` (GiB) or \`512MiB\` |
    | \`--timeout <time>\` | time for the work, such as \`30m\` or \`1h30m\` |
    | \`--budget <dollars>\` | what it may cost, such as \`$2\` |
    | \`--model <name>\` | model of the agent |
    | \`--ref <ref>\` | branch, tag or commit to start from |
    | \`--no-publish\` | make no pull request of the changes |
    | \`--dry-run\` | start nothing: say what it would take and cost |

    Options come before the instruction; \`--name=value\` works too. Quotes group words. A command behind \`--\` is not read by a shell: for pipes and variables, run \`bash -c '…'\`.

    Unless you say otherwise: at most 1h and $5.00, 2 CPU cores, 4 GiB of memory, no GPU.

    \`\`\`text
    /parhelia run fix the null check when the list is empty
    /parhelia run --gpu H100 --timeout 2h --budget $20 "train the small model"
    /parhelia run --no-publish -- npm test
    \`\`\`"
  `);
});

test("an unknown command is refused with the nearest one", async () => {
  await expect(shown("staus")).rejects.toThrow("There is no command `staus`. Did you mean `status`?");
});
