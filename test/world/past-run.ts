/** A run that ended, with what it was charged, as a task that took its way leaves it. */
import { ceilingsOf, type Budgets } from "../../src/core/budget.ts";
import { attemptId, TaskId } from "../../src/core/ids.ts";
import { after, type Instant } from "../../src/core/instant.ts";
import { noMoney, type MicroUsd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import type { Origin, Spec, Task, Verdict } from "../../src/core/task.ts";
import { payerOf, type Meter } from "../../src/records/ledger-entry.ts";
import { charged, draw, settle } from "../../src/records/ledger.ts";
import { taskEffects } from "../../src/records/task-put.ts";

const nothing = { day: undefined, month: undefined };
const unbounded: Budgets = { user: nothing, repository: nothing, installation: nothing, service: nothing };

export interface PastTask {
  readonly origin: Origin;
  readonly spec: Spec;
  readonly endedAt: Instant;
  /** How long its work took; undefined where none began. */
  readonly ms: number | undefined;
  readonly model?: MicroUsd;
  readonly compute?: MicroUsd;
  readonly verdict?: Verdict;
  readonly attempts?: number;
}

let count = 0;

export async function pastRun(store: Store, past: PastTask): Promise<TaskId> {
  const { origin, spec, endedAt, ms, model = noMoney, compute = noMoney, verdict = "succeeded", attempts = 1 } = past;
  // Apart from those that a world counts up.
  const id = TaskId.parse(`t_p${(count += 1).toString(36).padStart(7, "0")}`);
  const startedAt = after(endedAt, -(ms ?? 0));
  const task: Task = {
    id,
    origin,
    spec,
    createdAt: startedAt,
    attempts,
    attemptsBefore: 0,
    ceiling: spec.budget,
    state: verdict,
    endedAt,
    ...(ms === undefined ? {} : { startedAt }),
    finding: { verdict, because: "", summary: "", tail: "", changedFiles: 0, left: [] },
  };
  await store.commit({ op: `past/${id}`, now: endedAt, ...taskEffects(undefined, task, endedAt) });
  const attempt = attemptId(id, 1);
  const ceilings = ceilingsOf(task, unbounded, endedAt);
  const pay = async (kind: Meter, amount: MicroUsd): Promise<void> => {
    const ask = { id: `${attempt}/${kind}/1`, kind, attempt, amount, drawnAt: endedAt, payer: payerOf(origin) };
    const drawn = await draw(store, ask, { ceilings });
    if (!drawn.ok) throw new Error("the slice was refused");
    await settle(store, drawn.slice, charged(amount, endedAt), endedAt);
  };
  await pay("model", model);
  await pay("compute", compute);
  return id;
}
