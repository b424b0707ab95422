/** The one permission gate: whoever asks, and however, a command runs only after the asker's present right was looked up. */
import type { Budgets } from "../core/budget.ts";
import type { Ids } from "../core/ports/clock.ts";
import type { Forge } from "../core/ports/forge.ts";
import type { Store } from "../core/ports/store.ts";
import type { Instant } from "../core/instant.ts";
import { inlineCode, type Markdown } from "../core/markdown.ts";
import { Refusal } from "../core/refusal.ts";
import { notPermitted, permits, type Role } from "../core/role.ts";
import { repositoryName } from "../core/task.ts";
import type { Answer, Ask, Asker, Documented, RunDefaults, StartLimits } from "./command.ts";
import { noSuchCommand } from "./help.ts";
import { commands } from "./registry.ts";

export interface Context {
  readonly store: Store;
  readonly forge: Pick<Forge, "authority" | "settings">;
  readonly ids: Pick<Ids, "task">;
  readonly defaults: RunDefaults;
  readonly budgets: Budgets;
  readonly limits: StartLimits;
  readonly now: Instant;
  readonly newest?: Ask["newest"];
  /** The same when the same request is carried out again after a crash, so that nothing is done twice. */
  readonly op: string;
}

export interface Execution {
  /** Name of the command. */
  readonly command: string;
  /** Its input as JSON. */
  readonly input: unknown;
  readonly asker: Asker;
  readonly context: Context;
}

/**
 * Returns the answer for the person. Throws a `Refusal` for what is not allowed or not there, and anything else for a fault:
 * a right that could not be looked up is one, and never reads like a "no".
 */
export async function answer({ command: name, input, asker, context }: Execution): Promise<Answer> {
  const command = commands.find((each) => each.name === name);
  if (command === undefined) throw new Refusal(noSuchCommand(name, commands));
  const held = await admit(command, asker, context.forge);
  const { forge, ...around } = context;
  const ask: Ask = { ...around, asker, held, settings: () => forge.settings(asker.place), commands };
  return command.answer(input, ask);
}

/** The same, for people alone. */
export const execute = async (execution: Execution): Promise<Markdown> => (await answer(execution)).words;

async function admit(command: Documented, { place, actor }: Asker, forge: Context["forge"]): Promise<Role> {
  if (place.kind !== "terminal" && command.surfaces.every((surface) => surface === "terminal"))
    throw new Refusal(operatorsOnly(command));
  // What needs no right is not worth a question to GitHub.
  if (command.needs === "none") return "none";
  const held = await forge.authority(place, actor);
  if (permits(held, command.needs)) return held;
  throw new Refusal(notPermitted({ what: command.name, needs: command.needs, held, where: repositoryName(place) }));
}

/** What changes the service is for whoever runs it. */
const operatorsOnly = ({ name, examples }: Documented): Markdown =>
  `${inlineCode(name)} is for the operator of this service, at a terminal on its machine: ${examples
    .slice(0, 1)
    .map((example) => inlineCode(`parhelia ${example}`))
    .join("")}`;
