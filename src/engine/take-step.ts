/** Looks at one task: take its turn, decide on the facts, do that one thing, write what happened, and so on while it is due. */
import { Busy } from "../core/busy.ts";
import { after, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import { ended, paused, unpublished } from "../core/moves.ts";
import { nextStep, noResult, patience, type Step } from "../core/next-step.ts";
import { Refusal } from "../core/refusal.ts";
import { isWaitingForMachine, type InState, type Task } from "../core/task.ts";
import type { TaskId } from "../core/ids.ts";
import { endTurn, giveBack, takeTurn, type Turn } from "../records/turn.ts";
import { admit } from "./admit.ts";
import { claimSlot } from "./claim-slot.ts";
import { askForNextMachine, createSandbox } from "./create-sandbox.ts";
import { endAttempt } from "./end-attempt.ts";
import type { Dues } from "./dues.ts";
import { findSandbox } from "./find-sandbox.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import { eventOf, type Done, type Look } from "./look.ts";
import { markRunning } from "./mark-running.ts";
import { stopIdle } from "./stop-idle.ts";
import { noteSandbox } from "./note-sandbox.ts";
import { publish } from "./publish.ts";
import type { Room } from "./room.ts";
import { finish, requeue } from "./small-steps.ts";

/** In one turn; then it is given back, and looked at again like any other. */
const stepsAtMost = 10;

/**
 * Steps of a task while the next one follows at once. True where something was done or decided; false where another holder
 * has the task.
 */
export async function takeStep(room: Room, id: TaskId, dues: Dues): Promise<boolean> {
  const { store, clock, ids, holder } = room;
  const ask = { task: id, holder, ttlMs: leaseMs, now: clock.now(), op: ids.unique() };
  let turn = await takeTurn(store, ask);
  if (turn === undefined) return false;
  const stop = keepLease(room, turn.lease);
  try {
    for (let left = stepsAtMost; turn !== undefined; left -= 1) turn = await look(room, turn, { dues, left });
  } finally {
    stop();
  }
  return true;
}

interface Chain {
  readonly dues: Dues;
  /** Steps that may be taken in this turn, with this one. */
  readonly left: number;
}

/** One step. The turn, where the next is to follow. */
async function look(room: Room, turn: Turn, chain: Chain): Promise<Turn | undefined> {
  const now = room.clock.now();
  const task = turn.task.value;
  const { facts } = turn;
  const step = nextStep(task, facts, now);
  const at: Look = { turn, task, facts, now };
  let outcome = "done";
  let done: Done;
  try {
    done = foreseen(at, step, await act(room, at, step));
  } catch (error) {
    if (error instanceof Busy) {
      outcome = "put off";
      done = step.do === "claim" ? pause(at, "GitHub asks for a pause") : { due: error.until };
    } else if (error instanceof Refusal) {
      outcome = "refused";
      done = await refused(room, at, error);
    } else {
      outcome = "fault";
      done = fault(room, at, step, error);
    }
  }
  const { written, next } = await write(room, turn, { done, chain });
  const unit = {
    task: task.id,
    state: task.state,
    step: step.do,
    because: step.because.slice(0, 200),
    outcome,
    written,
  };
  room.log.info({ ...unit, durationMs: room.clock.now() - now }, "step");
  return next;
}

/** Where a task that now runs has only to be waited for, its next look is known already. */
function foreseen({ facts, now }: Look, step: Step, done: Done): Done {
  if (step.do !== "run" || done.to === undefined) return done;
  const next = nextStep(done.to, facts, now);
  return next.do === "wait" ? { ...done, ...waiting(next) } : done;
}

const waiting = ({ until, putOffUpTo }: Extract<Step, { do: "wait" }>): Done => ({ due: until, putOffUpTo });

async function act(room: Room, look: Look, step: Step): Promise<Done> {
  switch (step.do) {
    case "wait":
      return waiting(step);
    case "admit":
      return admit(room, look);
    case "claim":
      return claimSlot(room, look);
    case "requeue":
      return requeue(look);
    case "create":
      return createSandbox(room, look);
    case "next machine":
      return askForNextMachine(room, look);
    case "stop":
      return stopIdle(look);
    case "note":
      return noteSandbox(look);
    case "run":
      return markRunning(room, look, step);
    case "find":
      return findSandbox(room, look);
    case "end":
      return endAttempt(room, look, step);
    case "publish":
      return publish(room, look, step);
    case "finish":
      return finish(look, step.finding);
  }
}

async function write(
  room: Room,
  turn: Turn,
  { done, chain }: { done: Done; chain: Chain },
): Promise<{ written: string; next: Turn | undefined }> {
  const { store, clock, ids } = room;
  const end = (move: Omit<Done, "otherwise">) => {
    const now = clock.now();
    const due = chain.dues.ask();
    // A task that is in the queue now may be the first of it: what is due says so.
    const mayGoOn = isDueAt(move.due, now) || (isQueued(move.to) && due.queries.length > 0);
    const lease = mayGoOn && chain.left > 1 ? { keepMs: leaseMs } : ("release" as const);
    return endTurn(store, turn, { ...move, now, op: ids.unique() }, { lease, due });
  };
  let ended = await end(done);
  if (ended.done === "refused") {
    if (done.otherwise === undefined) throw new Error(`A bound refused a step of ${turn.task.value.id}.`);
    ended = await end(done.otherwise(ended.failed));
    if (ended.done === "refused") throw new Error(`Bounds refused a step of ${turn.task.value.id} twice.`);
  }
  const { done: written, turn: held, due } = ended;
  chain.dues.found(due);
  if (held === undefined) return { written, next: undefined };
  const { id } = held.task.value;
  const isQueuedStill = written === "written" && isQueued(held.task.value);
  const goesOn = chain.left > 1 && (!isQueuedStill || due?.candidates.includes(id) === true);
  if (goesOn) return { written, next: held };
  await giveBack(store, held, { now: clock.now(), op: ids.unique() });
  return { written, next: undefined };
}

const isDueAt = (due: Instant | null, now: Instant): boolean => due !== null && due <= now;
const isQueued = (task: Task | undefined): boolean => task?.state === "waiting" && task.for === "slot";

/** A "no" ends the task with words for the person who asked. */
async function refused(room: Room, look: Look, refusal: Refusal): Promise<Done> {
  const { task } = look;
  if (task.state === "starting" || task.state === "running" || isWaitingForMachine(task)) {
    const finding = noResult("failed", refusal.message);
    const next = { do: "finish", finding } as const;
    return endAttempt(room, look, { do: "end", outcome: "failed", next, because: refusal.message });
  }
  if (task.state === "publishing") return notPublished(look, task, { because: refusal.message });
  return finish(look, noResult("failed", refusal.message));
}

function notPublished(look: Look, task: InState<"publishing">, failure: { because: string; trace?: string }): Done {
  const to = unpublished(task, { ...failure, now: look.now });
  return { to, due: null, events: [eventOf(look, "warning", "task_not_published", failure.because)] };
}

function pause(look: Look, because: string, events: Done["events"] = []): Done {
  return { to: paused(look.task, because, look.now), due: after(look.now, patience.pauseMs), events };
}

/** A fault is ours: one line with the cause for the operator, a trace for the person, and another try later. */
function fault(room: Room, look: Look, step: Step, error: unknown): Done {
  const { task, now } = look;
  const trace = room.ids.trace();
  room.log.error({ task: task.id, step: step.do, trace, err: error }, "a step failed");
  const message = `Something broke on our side (trace \`${trace}\`) at the step “${step.do}”; it is tried again.`;
  const events = [eventOf(look, "error", "fault", message)];
  // In the queue it would be tried again at once, and hold up the others.
  if (step.do === "claim") return pause(look, "the asker's right could not be looked up", events);
  if (task.state !== "queued" && task.state !== "publishing") return { due: after(now, 10 * secondMs), events };
  if (task.tries + 1 < patience.tries) {
    const delay = Math.min(5 * secondMs * 2 ** task.tries, 10 * minuteMs);
    return { to: { ...task, tries: task.tries + 1 }, due: after(now, delay), events };
  }
  const because = "something broke on our side";
  const to =
    task.state === "publishing"
      ? unpublished(task, { because, trace, now })
      : ended(task, { finding: { ...noResult("failed", because), trace }, now });
  return { to, due: null, events };
}
