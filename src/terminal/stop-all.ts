/**
 * `parhelia halt` and `parhelia stop --all`: an operator's brake. Each part works while others are broken: tasks are cancelled
 * where the backend is away, sandboxes are ended where the store, GitHub or the service is.
 */
import { count } from "../core/headline.ts";
import { plainLine } from "../core/markdown.ts";
import type { Clock, Ids } from "../core/ports/clock.ts";
import type { Sandboxes } from "../core/ports/sandboxes.ts";
import type { Store } from "../core/ports/store.ts";
import type { Actor } from "../core/task.ts";
import { cancelTask } from "../records/cancel-task.ts";
import { halt, liftHalt } from "../records/halt.ts";
import { liveTasks } from "../records/live-tasks.ts";

export type BrakeWords =
  | { readonly kind: "halt"; readonly because: string }
  | { readonly kind: "lift" }
  | { readonly kind: "stop"; readonly because: string; readonly isSure: boolean }
  | { readonly kind: "wrong"; readonly message: string };

const usage = `  parhelia halt [reason]               start nothing new; what runs goes on
  parhelia halt --off                  start new work again
  parhelia stop --all [--yes] [reason] the same halt, cancel every task and end every sandbox`;

/** The words behind `parhelia`, the first of which is `halt` or `stop`. */
export function brakeWords([name = "", ...rest]: readonly string[]): BrakeWords {
  const options = rest.filter((word) => word.startsWith("--"));
  const because = rest.filter((word) => !word.startsWith("--")).join(" ");
  const known = name === "halt" ? ["--off"] : ["--all", "--yes"];
  const strange = options.find((option) => !known.includes(option));
  if (strange !== undefined)
    return { kind: "wrong", message: `\`${name}\` has no option ${plainLine(strange)}.\n${usage}` };
  if (name === "halt") {
    if (options.length === 0) return { kind: "halt", because };
    if (because === "") return { kind: "lift" };
    return { kind: "wrong", message: `\`halt --off\` takes no reason.\n${usage}` };
  }
  if (options.includes("--all")) return { kind: "stop", because, isSure: options.includes("--yes") };
  return { kind: "wrong", message: `To stop one task: parhelia cancel <task>. To stop all:\n${usage}` };
}

/** A part of the world, opened when it is its turn; what fails then fails in that part alone. */
export interface Part<T> {
  /** As people know it: `the store /srv/parhelia.db`. */
  readonly name: string;
  open(): T | Promise<T>;
}

/** "failed" where anything did. */
export type Outcome = "done" | "failed";

export interface Brakes {
  readonly stores: readonly Part<Store>[];
  readonly backends: readonly Part<Pick<Sandboxes, "list" | "end">>[];
  readonly by: Actor;
  readonly clock: Clock;
  readonly ids: Pick<Ids, "unique">;
  /** One line for the person. */
  say(line: string): void;
}

export const haltAll = (brakes: Brakes, because: string): Promise<Outcome> =>
  eachStore(brakes, async (store, name) => {
    await haltOne(brakes, store, because);
    brakes.say(`Halted new starts in ${name}. What runs goes on. To start again: parhelia halt --off`);
    return "done";
  });

export const liftAll = (brakes: Brakes): Promise<Outcome> =>
  eachStore(brakes, async (store, name) => {
    const wasHalted = await liftHalt(store, { by: brakes.by.login, now: brakes.clock.now(), op: brakes.ids.unique() });
    brakes.say(wasHalted ? `New work starts again in ${name}.` : `Nothing was halted in ${name}.`);
    return "done";
  });

export async function stopAll(brakes: Brakes, because: string): Promise<Outcome> {
  // At once: a store that gives no answer for a while must not keep sandboxes alive, which cost money.
  const first = await Promise.all([
    eachStore(brakes, (store, name) => stopTasks(brakes, store, { name, because })),
    endSandboxes(brakes, "all"),
  ]);
  const later = await endSandboxes(brakes, "those made meanwhile");
  brakes.say("To start again: parhelia halt --off");
  return all([...first, later]);
}

const haltOne = ({ by, clock, ids }: Brakes, store: Store, because: string): Promise<void> =>
  halt(store, { by: by.login, because, now: clock.now(), op: ids.unique() });

async function stopTasks(
  brakes: Brakes,
  store: Store,
  { name, because }: { name: string; because: string },
): Promise<Outcome> {
  const { by, clock, ids, say } = brakes;
  await haltOne(brakes, store, because);
  say(`Halted new starts in ${name}.`);
  let cancelled = 0;
  let late = 0;
  const outcomes: Outcome[] = [];
  for (const { id } of await liveTasks(store, clock.now())) {
    const outcome = await attempt(say, `${id} could not be cancelled`, async () => {
      const answer = await cancelTask(store, { task: id, by, now: clock.now(), op: ids.unique() });
      if (answer === "too-late") late += 1;
      else if (answer !== "ended") cancelled += 1;
      return "done";
    });
    outcomes.push(outcome);
  }
  const publishing = late === 0 ? "" : `; ${count(late, "result")} being published cannot be stopped`;
  say(`Cancelled ${count(cancelled, "task")} in ${name}${publishing}.`);
  return all(outcomes);
}

async function eachStore(
  { stores, say }: Brakes,
  act: (store: Store, name: string) => Promise<Outcome>,
): Promise<Outcome> {
  const parts = stores.map((part) =>
    attempt(say, `${part.name} could not be told`, async () => {
      const store = await part.open();
      try {
        return await act(store, part.name);
      } finally {
        await store.close();
      }
    }),
  );
  return all(await Promise.all(parts));
}

async function endSandboxes({ backends, say }: Brakes, which: "all" | "those made meanwhile"): Promise<Outcome> {
  const parts = backends.map((part) =>
    attempt(say, `The sandboxes of ${part.name} could not be listed`, async () => {
      const backend = await part.open();
      const living = await backend.list();
      const ends = living.map(({ name }) =>
        attempt(say, `${name} could not be ended`, async () => {
          await backend.end(name);
          return "done";
        }),
      );
      const outcomes = await Promise.all(ends);
      const ended = outcomes.filter((outcome) => outcome === "done").length;
      if (which === "all" || living.length > 0) say(`Ended ${ended} of ${living.length} sandboxes of ${part.name}.`);
      return all(outcomes);
    }),
  );
  return all(await Promise.all(parts));
}

/** What fails is told, and in no other part's way. */
async function attempt(say: Brakes["say"], what: string, act: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await act();
  } catch (error) {
    say(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return "failed";
  }
}

const all = (outcomes: readonly Outcome[]): Outcome =>
  outcomes.every((outcome) => outcome === "done") ? "done" : "failed";
