/** One look at one task: take its turn, gather the facts, decide, do that one thing, write what happened. */
import { Busy } from "../core/busy.ts";
import { after, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import { ended, paused, unpublished } from "../core/moves.ts";
import { nextStep, noResult, patience, type Step } from "../core/next-step.ts";
import { Refusal } from "../core/refusal.ts";
import type { InState } from "../core/task.ts";
import type { TaskId } from "../core/ids.ts";
import { readFacts } from "../records/read-facts.ts";
import { endTurn, takeTurn, type Turn } from "../records/turn.ts";
import { admit } from "./admit.ts";
import { claimSlot } from "./claim-slot.ts";
import { createSandbox } from "./create-sandbox.ts";
import { endAttempt } from "./end-attempt.ts";
import { findSandbox } from "./find-sandbox.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import { eventOf, type Done, type Look } from "./look.ts";
import { publish } from "./publish.ts";
import type { Room } from "./room.ts";
import { finish, markRunning, requeue } from "./small-steps.ts";

/** True where something was done or decided; false where another holder has the task. */
export async function takeStep(room: Room, id: TaskId): Promise<boolean> {
  const { store, clock, ids, holder } = room;
  const now = clock.now();
  const turn = await takeTurn(store, { task: id, holder, ttlMs: leaseMs, now, op: ids.unique() });
  if (turn === undefined) return false;
  const stop = keepLease(room, turn.lease);
  try {
    await look(room, turn, now);
  } finally {
    stop();
  }
  return true;
}

async function look(room: Room, turn: Turn, now: Instant): Promise<void> {
  const task = turn.task.value;
  const facts = "attempt" in task ? await readFacts(room.store, now, task.attempt) : {};
  const step = nextStep(task, facts, now);
  const at: Look = { turn, task, facts, now };
  let outcome = "done";
  let done: Done;
  try {
    done = await act(room, at, step);
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
  const written = await write(room, turn, done);
  const unit = {
    task: task.id,
    state: task.state,
    step: step.do,
    because: step.because.slice(0, 200),
    outcome,
    written,
  };
  room.log.info({ ...unit, durationMs: room.clock.now() - now }, "step");
}

async function act(room: Room, look: Look, step: Step): Promise<Done> {
  switch (step.do) {
    case "wait":
      return { due: step.until };
    case "admit":
      return admit(room, look);
    case "claim":
      return claimSlot(room, look);
    case "requeue":
      return requeue(look);
    case "create":
      return createSandbox(room, look);
    case "run":
      return markRunning(look, step);
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

async function write(room: Room, turn: Turn, done: Done): Promise<string> {
  const at = () => ({ now: room.clock.now(), op: room.ids.unique() });
  const { otherwise, ...move } = done;
  const first = await endTurn(room.store, turn, { ...move, ...at() });
  if (first.done !== "refused") return first.done;
  if (otherwise === undefined) throw new Error(`A bound refused a step of ${turn.task.value.id}.`);
  const second = await endTurn(room.store, turn, { ...otherwise(first.failed), ...at() });
  return second.done;
}

/** A "no" ends the task with words for the person who asked. */
async function refused(room: Room, look: Look, refusal: Refusal): Promise<Done> {
  const { task } = look;
  if (task.state === "starting" || task.state === "running") {
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
