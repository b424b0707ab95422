/**
 * A turn: the right to take one step of a task. Held by a lease, so that two engines never act on one task at once;
 * given back in the commit that writes what happened.
 */
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Event } from "../core/event.ts";
import type { FailedCondition, Store } from "../core/ports/store.ts";
import { Task } from "../core/task.ts";
import { kept, keys, type Kept } from "./document.ts";
import { eventAppends } from "./events.ts";
import { underLease, type Lease, type LeaseAsk } from "./lease.ts";
import { duePut, join, taskEffects, type Effects } from "./task-put.ts";

export interface Turn {
  readonly task: Kept<Task>;
  readonly dueVersion: number;
  readonly lease: Lease;
}

/** Undefined where another holder has the task, or it is gone. */
export async function takeTurn(store: Store, ask: LeaseAsk & { task: TaskId }): Promise<Turn | undefined> {
  const name = keys.task(ask.task);
  return underLease(store, name, ask, async (lease) => {
    const [task, due] = await store.look(ask.now, [{ get: name }, { get: keys.due(ask.task) }]);
    const found = kept(Task, task);
    return found === undefined ? undefined : { task: found, dueVersion: due?.version ?? 0, lease };
  });
}

export interface Move {
  /** The task as it is from now on; absent where only the time of the next look changes. */
  readonly to?: Task | undefined;
  readonly due: Instant | null;
  readonly events?: readonly Event[];
  readonly also?: Partial<Effects>;
  /** Documents that must still stand as the decision found them. */
  readonly given?: readonly (readonly [key: string, version: number])[];
  readonly now: Instant;
  readonly op: string;
}

/** How a turn ended. After "refused" the turn is still held: a counter's bound stood in the way, and nothing was written. */
export type TurnEnd =
  | { readonly done: "written" }
  | { readonly done: "superseded" }
  | { readonly done: "refused"; readonly failed: readonly FailedCondition[] };

/**
 * Writes what a step did and gives the turn back. "superseded" when the task changed meanwhile (a cancel, a retry):
 * nothing of the move was written, and the task is looked at again at once.
 */
export async function endTurn(store: Store, turn: Turn, move: Move): Promise<TurnEnd> {
  const { task, lease } = turn;
  const from = task.value;
  const effects = join(move.to === undefined ? {} : taskEffects(from, move.to, move.now), move.also ?? {}, {
    append: eventAppends(move.events ?? []),
  });
  const commit = {
    now: move.now,
    leases: [{ ...lease, act: "release" as const }],
    versions: [...(move.given ?? []), ...(move.to === undefined ? [] : [[keys.task(from.id), task.version] as const])],
  };
  const first = await store.commit({
    ...commit,
    op: move.op,
    versions: [...commit.versions, [keys.due(from.id), turn.dueVersion]],
    ...effects,
    put: [...effects.put, duePut(from.id, move.due)],
  });
  if (first.ok) return { done: "written" };
  if (first.failed.some((each) => each.kind === "counter")) return { done: "refused", failed: first.failed };
  const onlyHinted = first.failed.every((each) => each.name === keys.due(from.id));
  if (onlyHinted) {
    // Something happened during the step: keep what was done, and look again now instead of at the step's own time.
    const second = await store.commit({
      ...commit,
      op: `${move.op}/hinted`,
      ...effects,
      put: [...effects.put, duePut(from.id, move.now)],
    });
    if (second.ok) return { done: "written" };
  }
  await store.commit({
    op: `${move.op}/superseded`,
    now: move.now,
    leases: [{ ...lease, act: "release" }],
    put: [duePut(from.id, move.now)],
  });
  return { done: "superseded" };
}
