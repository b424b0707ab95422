/**
 * What a command is. One file describes it once: its grammar, its input, the right it needs, what it does and the words it
 * answers with. Comments, terminals and AI clients all come here.
 */
import type { z } from "zod";
import type { ComputePrices } from "../core/compute-prices.ts";
import type { Budgets } from "../core/budget.ts";
import type { TaskId } from "../core/ids.ts";
import type { Ids } from "../core/ports/clock.ts";
import type { Resources } from "../core/ports/sandboxes.ts";
import type { Store } from "../core/ports/store.ts";
import type { Instant } from "../core/instant.ts";
import type { Markdown } from "../core/markdown.ts";
import type { MicroUsd } from "../core/money.ts";
import type { Network } from "../core/network.ts";
import { Refusal } from "../core/refusal.ts";
import type { Role } from "../core/role.ts";
import type { Settings } from "../core/settings/settings.ts";
import type { Actor, Origin, Place } from "../core/task.ts";

export type Surface = "comment" | "terminal" | "mcp";

/** What a run gets where the person does not say. */
export interface RunDefaults {
  readonly timeoutMs: number;
  readonly budget: MicroUsd;
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Null leaves the choice to the agent. */
  readonly model: string | null;
  /** Of sandboxes on Modal; the published ones unless told. */
  readonly prices?: ComputePrices;
}

/** What a start is held against, beside what may be spent. */
export interface StartLimits {
  readonly maxSandboxes: number;
  /** Models that may be used. */
  readonly models: readonly string[];
  /** What a sandbox may reach at most. */
  readonly network: Network;
  /** Secrets that repositories may have, as `owner/name:SECRET`; undefined where the backend has none. */
  readonly secrets: readonly string[] | undefined;
  /** A task that will likely cost more waits for a maintainer's word; undefined where nobody asks for that. */
  readonly confirmAbove: MicroUsd | undefined;
  /** What a sandbox with these costs for an hour. */
  pricePerHour(resources: Resources): MicroUsd;
  /** Throws a `Refusal` that names what the backend cannot give. */
  accept(resources: Resources): void;
}

export interface Asker {
  readonly place: Place;
  readonly actor: Actor;
  readonly comment?: Origin["comment"];
}

/** What a command works with, after the right to it was looked up. */
export interface Ask {
  readonly asker: Asker;
  readonly store: Store;
  readonly ids: Pick<Ids, "task">;
  readonly defaults: RunDefaults;
  /** What may be spent, by whom and in what time. */
  readonly budgets: Budgets;
  readonly limits: StartLimits;
  /** What the asker may do here; "none" where the command needs no right, and nobody asked. */
  readonly held: Role;
  /** What holds for work here. Throws a `Refusal` that names what is wrong in settings that cannot be used. */
  settings(): Promise<Settings>;
  readonly now: Instant;
  /** The same when the same request is carried out again after a crash, so that nothing is done twice. */
  readonly op: string;
  /** The newest task of the place when the command was written; null for none, undefined where it is written now. */
  readonly newest?: TaskId | null | undefined;
  /** All commands, for the one that explains them. */
  readonly commands: readonly Documented[];
}

export interface OptionGrammar {
  /** Without the two hyphens. */
  readonly name: string;
  /** Key of the input that it sets. */
  readonly key: string;
  /** How its value is written (`<time>`); absent for a switch, which sets `sets`. */
  readonly value?: string;
  readonly sets?: boolean | string;
  /** Of a switch: name of the command that is meant with it, which has the same input without `key`. */
  readonly instead?: string;
  readonly summary: string;
}

export type Positional =
  | { readonly kind: "none" }
  /** At most one word, or so many, which become one text. */
  | { readonly kind: "word"; readonly key: string; readonly most?: number }
  /** The rest of the line as it was written, and the text below it; or an argv behind `--`. */
  | { readonly kind: "rest"; readonly key: string; readonly bodyKey: string; readonly argvKey: string };

export interface Documented {
  /** Two words where it is one of a family: `budget set`. */
  readonly name: string;
  /** It can be called by this as well: `budget show`. */
  readonly alias?: string;
  /** Without `/parhelia`: `status [task]`. */
  readonly usage: string;
  /** One sentence. */
  readonly summary: string;
  /** The right in the repository that it takes. */
  readonly needs: Role;
  readonly surfaces: readonly Surface[];
  readonly options: readonly OptionGrammar[];
  readonly positional: Positional;
  /** Without `/parhelia`; each can be typed as it stands. */
  readonly examples: readonly string[];
  /** Its answer has `data`, which `--json` shows at a terminal. */
  readonly json?: true;
}

/** What a command answers: words for people, and the same for programs. */
export interface Answer {
  readonly words: Markdown;
  readonly data?: object;
}

/** A command by its name and its input as JSON; also what is written down and carried out later. */
export interface AskedOf<Name extends string, Input> {
  readonly name: Name;
  readonly input: Input;
}

/** What of an input does not fit. */
export interface Misfit {
  /** Key of the input, where one alone is at fault. */
  readonly key: string | undefined;
  readonly because: Markdown;
}

export interface Command<Name extends string, Schema extends z.ZodType> extends Documented {
  readonly name: Name;
  /** What is asked, in JSON, as a comment or a client gives it. */
  readonly input: Schema;
  check(input: unknown): AskedOf<Name, z.input<Schema>> | Misfit;
  /** Does it and returns the answer. Throws a `Refusal` for the person to read. */
  answer(input: unknown, ask: Ask): Promise<Answer>;
  /** The same, for people alone. */
  run(input: unknown, ask: Ask): Promise<Markdown>;
}

export function command<const Name extends string, Schema extends z.ZodType>(
  definition: Documented & {
    readonly name: Name;
    readonly input: Schema;
    run(input: z.output<Schema>, ask: Ask): Promise<Markdown | Answer>;
  },
): Command<Name, Schema> {
  const { name, input: schema } = definition;
  const fits = (input: unknown): input is z.input<Schema> => schema.safeParse(input).success;
  const answer = async (input: unknown, ask: Ask): Promise<Answer> => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) throw new Refusal(misfit(schema, input).because);
    const said = await definition.run(parsed.data, ask);
    return typeof said === "string" ? { words: said } : said;
  };
  return {
    ...definition,
    check: (input) => (fits(input) ? { name, input } : misfit(schema, input)),
    answer,
    run: async (input, ask) => (await answer(input, ask)).words,
  };
}

function misfit(schema: z.ZodType, input: unknown): Misfit {
  const issue = schema.safeParse(input).error?.issues[0];
  const key = issue?.path[0];
  return { key: key === undefined ? undefined : String(key), because: issue?.message ?? "This cannot be read." };
}

/** How a command is typed at this place. */
export const typed = (place: Place, words: string): string =>
  place.kind === "terminal" ? `parhelia ${words}` : `/parhelia ${words}`;
