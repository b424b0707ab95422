/**
 * One set of tasks, worked through once in calm and once while everything that may go wrong does. Which of it goes wrong
 * when is drawn from a seed; what is asked and what the sandboxes do is not. People speak when they see what they speak
 * about (nobody cancels a task before it is there), so deliveries may come in any order without changing their meaning.
 */
import { hourMs, secondMs } from "../../src/core/instant.ts";
import { isEnded, type Task } from "../../src/core/task.ts";
import { endOf, repositories } from "./chaos-end.ts";
import { drawFrom, openMischief, type Mischief, type Mishap } from "./chaos-mischief.ts";
import { openRuns, type Runs } from "./chaos-runs.ts";
import { Dropped } from "./github/faults.ts";
import type { Delivery } from "./github/deliveries.ts";
import type { Ending } from "./sandboxes.ts";
import type { World } from "./world.ts";

/** The repositories beside the world's own. */
export const elsewhere = repositories.slice(1);

interface Kind {
  /** Words of a comment, or a label of the settings. */
  readonly ask: string;
  readonly by?: "label";
  readonly ending: Ending;
  /** Said once while the sandbox works. */
  readonly meanwhile?: string;
  /** Said once when the task has ended. */
  readonly afterwards?: string;
  /** How it ends where it is tried again. */
  readonly again?: Ending;
}

/** An hour that the clock is set forward is an hour of a task's limit, so limits are long enough for a few. */
const kinds: readonly Kind[] = [
  { ask: "run --timeout 8h fix it", ending: { files: { "a.txt": "a\n" } } },
  { ask: "run --timeout 8h -- make it", ending: { files: { "b.txt": "b\n", "README.md": null } } },
  { ask: "run --timeout 8h -- false", ending: { exitCode: 1, tail: "no such luck\n" } },
  { ask: "run --timeout 8h think for long", ending: {}, meanwhile: "cancel" },
  { ask: "run --timeout 8h look only", ending: {} },
  { ask: "run --timeout 8h -- true", ending: {}, meanwhile: "help" },
  {
    ask: "run --timeout 8h -- try",
    ending: { exitCode: 1 },
    afterwards: "retry",
    again: { files: { "c.txt": "c\n" } },
  },
  { ask: "run --timeout 8h see", ending: { files: { "d.txt": "d\n" } }, afterwards: "status" },
  { ask: "chaos:fix", by: "label", ending: { files: { "e.txt": "e\n" } } },
  { ask: "chaos:make", by: "label", ending: { exitCode: 1 } },
];

const settings = `[labels."chaos:fix"]
timeout = "8h"
[labels."chaos:make"]
timeout = "8h"
argv = ["make"]
`;

interface Part {
  readonly repository: string;
  readonly issue: number;
  readonly kind: Kind;
  /** What is still to be said. */
  meanwhile: string | undefined;
  afterwards: string | undefined;
}

export interface Outcome {
  /** What is to be seen and what is kept, with what a fault may change (times, ids, costs) left out. */
  readonly end: unknown;
  readonly deliveries: number;
  readonly faults: Readonly<Record<string, number>>;
}

/** For how long things go wrong. */
const stormRounds = (count: number): number => 10 + count;

function clearFaults(w: World): void {
  w.github.faults.clear();
  for (const call of ["create", "list", "end"] as const) w.sandboxes.fail(call, 0);
}

export interface Storm {
  readonly seed: number;
  /** What may go wrong beside the usual. */
  readonly also?: readonly Mishap[];
}

/** Plays `count` tasks to their end; in calm where there is no storm. Throws where they do not come to one. */
export async function playChaos(w: World, count: number, storm?: Storm): Promise<Outcome> {
  const parts = await ask(w, count);
  const mischief = storm === undefined ? undefined : openMischief(w, drawFrom(storm.seed), storm.also ?? []);
  const runs = openRuns(w);
  const post = openPost(w, mischief, runs);
  for (let round = 0; round < 600; round += 1) {
    if (w.life.isOver) await w.restart(mischief?.nextDeath());
    const isStorm = mischief !== undefined && round < stormRounds(count);
    if (isStorm) await mischief.round();
    else clearFaults(w);
    runs.play(isStorm);
    await post.deliver(isStorm);
    await w.pass(5 * secondMs);
    if (w.life.isOver) continue;
    const tasks = await w.tasks();
    for (const task of tasks) await work(w, task, partOf(parts, task));
    const isThere = tasks.length === count && tasks.every((task) => isThrough(task, partOf(parts, task)));
    const isOver = isThere && runs.isThrough() && post.isEmpty() && !isStorm;
    if (isOver) return finish(w, post, mischief);
  }
  const tasks = await w.tasks();
  const open = tasks.filter((task) => !isThrough(task, partOf(parts, task))).map(({ id, state }) => `${id} ${state}`);
  const lacking = parts.filter((part) => !tasks.some((task) => partOf(parts, task) === part));
  const what = [...open, ...lacking.map(({ repository, issue, kind }) => `${repository}#${issue} ${kind.ask}`)];
  throw new Error(`the tasks never came to their end: ${what.join(", ")}; workflows ${String(runs.isThrough())}`);
}

async function finish(w: World, post: Post, mischief: Mischief | undefined): Promise<Outcome> {
  clearFaults(w);
  if (w.life.isOver) await w.restart();
  for (let turn = 0; turn < 3 || !post.isEmpty(); turn += 1) {
    await post.deliver(false);
    await w.pass(2 * hourMs);
    await w.reconcile();
    if (w.life.isOver) await w.restart();
  }
  return { end: await endOf(w), deliveries: w.github.deliveries.attempts().length, faults: mischief?.faults ?? {} };
}

async function ask(w: World, count: number): Promise<Part[]> {
  const dana = w.github.as("dana");
  w.github.person("noisy[bot]", { role: "write", type: "Bot" });
  const bot = w.github.as("noisy[bot]");
  for (const repository of repositories) await dana.push(repository, { ".parhelia/config.toml": settings });
  return Array.from({ length: count }, (_, index) => {
    const repository = repositories[index % repositories.length] ?? repositories[0];
    const kind = kinds[(index + Math.floor(index / kinds.length)) % kinds.length] ?? { ask: "run x", ending: {} };
    const issue = dana.openIssue(repository, `Number ${index}`, "It is wrong.");
    if (kind.by === "label") {
      // What a bot does that nobody listed, before, is nobody's wish.
      bot.label(repository, issue, kind.ask);
      bot.unlabel(repository, issue, kind.ask);
      dana.label(repository, issue, kind.ask);
    } else {
      const id = dana.comment(repository, issue, `/parhelia ${kind.ask}\n\nPlease.`);
      dana.edit(repository, id, `/parhelia ${kind.ask}\n\nPlease!`);
    }
    dana.label(repository, issue, "bug");
    dana.comment(repository, issue, "I saw it too.");
    return { repository, issue, kind, meanwhile: kind.meanwhile, afterwards: kind.afterwards };
  });
}

function partOf(parts: readonly Part[], { origin: { place } }: Task): Part {
  const found = parts.find(
    ({ repository, issue }) =>
      place.kind === "issue" &&
      place.number === issue &&
      `${place.repository.owner}/${place.repository.name}` === repository,
  );
  if (found === undefined) throw new Error("a task that nobody asked for");
  return found;
}

/** A sandbox does what its task's words say; a task that is to be cancelled works until it is. */
async function work(w: World, task: Task, part: Part): Promise<void> {
  if (isEnded(task)) return say(w, part, "afterwards");
  const name = w.sandboxes.living().findLast((each) => each.includes(task.id));
  if (name === undefined) return;
  try {
    const inside = w.inside(task.id);
    await inside.says();
    if (task.state !== "running") return;
    say(w, part, "meanwhile");
    const isAgain = task.attemptsBefore > 0;
    if (part.kind.meanwhile !== "cancel")
      await inside.ends((isAgain ? part.kind.again : undefined) ?? part.kind.ending);
  } catch (error) {
    // The service died meanwhile, or the sandbox is not the task's any more: it is asked again with the next round.
    if (!(error instanceof Dropped)) throw error;
  }
}

function say(w: World, part: Part, when: "meanwhile" | "afterwards"): void {
  const words = part[when];
  if (words === undefined) return;
  w.github.as("dana").comment(part.repository, part.issue, `/parhelia ${words}`);
  part[when] = undefined;
}

/** Ended for good: what was to be tried again has been. */
const isThrough = (task: Task, { kind, afterwards }: Part): boolean =>
  isEnded(task) && afterwards === undefined && (kind.again === undefined || task.attemptsBefore > 0);

interface Post {
  deliver(withMischief: boolean): Promise<void>;
  isEmpty(): boolean;
}

/** What could not be delivered, or was dropped, is delivered again later, as its operator would ask for. */
function openPost(w: World, mischief: Mischief | undefined, runs: Runs): Post {
  const { deliveries } = w.github;
  let owed: Delivery[] = [];
  const send = async (delivery: Delivery): Promise<void> => {
    const { status } = await deliveries.deliver(delivery);
    if (status !== 202) owed.push(delivery);
  };
  return {
    isEmpty: () => owed.length === 0 && deliveries.pending().length === 0,
    async deliver(withMischief) {
      for (const delivery of owed.splice(0)) deliveries.repeat(delivery);
      if (mischief === undefined || !withMischief) {
        for (const delivery of deliveries.pending()) await send(delivery);
        return;
      }
      deliveries.shuffle(mischief.draw(1_000_000));
      for (const delivery of deliveries.pending())
        await meddle(delivery, mischief, { send, owe: (one) => owed.push(one) });
    },
  };

  async function meddle(
    delivery: Delivery,
    { draw, count }: Mischief,
    { send: sendIt, owe }: { send: (one: Delivery) => Promise<void>; owe: (one: Delivery) => void },
  ): Promise<void> {
    const fate = draw(10);
    if (fate < 2) return count("delivery delayed");
    if (fate < 4 && runs.mayMiss(delivery)) {
      deliveries.drop(delivery, "lost");
      return count("run never told");
    }
    if (fate < 4) {
      owe(deliveries.drop(delivery));
      return count("delivery dropped");
    }
    await sendIt(delivery);
    if (fate > 6) return;
    count(fate === 6 ? "delivery by two hooks" : "delivery repeated");
    const other = { ...delivery, guid: `${delivery.guid.slice(0, -4)}0rg0`, hook: "organization" as const };
    await sendIt(deliveries.repeat(fate === 6 && delivery.hook === "app" ? other : delivery));
  }
}
