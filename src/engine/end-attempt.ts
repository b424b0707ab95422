/** Ending an attempt: first the sandbox, then, in one commit, its outcome, its charges, its slot and what becomes of the task. */
import { byDay } from "../core/budget.ts";
import { computePrice } from "../core/pricing.ts";
import { ended, publishing, queuedForSlot } from "../core/moves.ts";
import { lifetimeMs, patience, type Step } from "../core/next-step.ts";
import type { Event } from "../core/event.ts";
import { disagree, dollars, minus, noMoney, plus, type MicroUsd } from "../core/money.ts";
import type { Attempt } from "../core/attempt.ts";
import { after, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import type { Task } from "../core/task.ts";
import { endAttemptEffects } from "../records/attempt.ts";
import { charged, type Charge } from "../records/ledger.ts";
import { noResultYet } from "../records/result.ts";
import type { Room } from "./room.ts";
import { attemptOf, eventOf, type Done, type Look } from "./look.ts";

type End = Extract<Step, { do: "end" }>;

export async function endAttempt(room: Room, look: Look, step: End): Promise<Done> {
  const attempt = await withStart(room, look);
  await room.sandboxes.end(attempt.sandbox);
  const now = room.clock.now();
  const compute = computeCharge(look, attempt, now);
  const metered = await meterOf(room, attempt);
  const { model, given, ...also } = await endAttemptEffects(room.store, attempt, {
    outcome: step.outcome,
    because: step.because,
    compute,
    now,
  });
  const to = afterwards(look.task, step, now);
  const event = eventOf(look, level(step), "attempt_ended", `${step.outcome}: ${step.because}`);
  return {
    to,
    due: to.state === "publishing" ? now : null,
    also,
    // A result that came meanwhile is worth more than what was decided without it.
    given: [...given, ...(look.facts.result === undefined ? [noResultYet(attempt.id)] : [])],
    // A model call began while this was looked up: its slice belongs to the end as well.
    otherwise: () => ({ due: after(now, secondMs) }),
    events: [
      {
        ...event,
        at: now,
        details: {
          outcome: step.outcome,
          model_micro_usd: model,
          compute_micro_usd: plus(...compute.parts.map(({ amount }) => amount)),
        },
      },
      ...disagreement(look, model),
      ...comparison(look, metered, plus(...compute.parts.map(({ amount }) => amount))),
    ],
  };
}

/** A machine may have come since it was last asked for, or whoever asked for it died before it could be written down. */
async function withStart({ sandboxes }: Room, look: Look): Promise<Attempt> {
  const attempt = attemptOf(look);
  if (attempt.createdAt !== undefined) return attempt;
  const found = await sandboxes.find(attempt.sandbox);
  return found === undefined ? attempt : { ...attempt, createdAt: found.startedAt };
}

/**
 * From when the backend bills: the sandbox's start, or the claim where a crash hid it. A sandbox that was never spoken of
 * costs nothing; none lives longer than its lifetime, however long the service was away. Each day is charged its own part.
 */
function computeCharge(look: Look, attempt: Attempt, now: Instant): Charge {
  const from =
    attempt.createdAt ?? (mayHaveLived(look, attempt, now) ? (attempt.waitedAt ?? attempt.claimedAt) : undefined);
  if (from === undefined) return charged(noMoney, now);
  const ms = Math.min(lifetimeMs(look.task), Math.max(0, now - from));
  const costUntil = (at: Instant): MicroUsd => computePrice(attempt.microUsdPerHour, at - from);
  const parts = byDay({ from, until: after(from, ms) }).map((day) => ({
    at: day.from,
    amount: minus(costUntil(day.until), costUntil(day.from)),
  }));
  return { parts, used: { ms } };
}

/**
 * It spoke; or nobody looked for so long that it may have been made, and be gone by now. While somebody looks, what could not
 * be made is given up sooner, and what waits for a machine is written down.
 */
function mayHaveLived({ facts }: Look, attempt: Attempt, now: Instant): boolean {
  if (facts.heard !== undefined) return true;
  return attempt.waitedAt === undefined && now > after(attempt.claimedAt, patience.createMs + minuteMs);
}

function afterwards(task: Task, step: End, now: Instant): Task {
  const { next } = step;
  switch (next.do) {
    case "requeue":
      return queuedForSlot(task, now);
    case "finish":
      return ended(task, { finding: next.finding, now });
    case "publish":
      if (task.state !== "running") throw new Error(`${task.id} is ${task.state} and has nothing to publish.`);
      return publishing(task, next.finding, now);
  }
}

/** The agent's own sum is never charged; where it is far from ours, one of the two is wrong and somebody should look. */
function disagreement(look: Look, model: MicroUsd): Event[] {
  const claimed = look.facts.heard?.claimed;
  if (claimed === undefined || !disagree(claimed, model)) return [];
  const message = `the agent says that its model calls cost ${dollars(claimed)}, the gateway counted ${dollars(model)}`;
  const details = { claimed_micro_usd: claimed, counted_micro_usd: model };
  return [{ ...eventOf(look, "warning", "cost_disagreement", message), details }];
}

/** What is charged is our own count; a backend that cannot say, or does not answer, is no reason to wait. */
async function meterOf({ sandboxes, log }: Room, attempt: Attempt): Promise<MicroUsd | undefined> {
  if (attempt.createdAt === undefined) return undefined;
  try {
    return await sandboxes.metered(attempt.sandbox, attempt.gpu);
  } catch (error) {
    log.warn({ attempt: attempt.id, err: error }, "the backend's own meter could not be read");
    return undefined;
  }
}

/** The meter counts use and we count time, so that ours is the greater; where it is not, the bill may be above the ledger. */
function comparison(look: Look, metered: MicroUsd | undefined, charged: MicroUsd): Event[] {
  if (metered === undefined) return [];
  const isAbove = metered > charged && disagree(metered, charged);
  const message = `the backend's own meter comes to ${dollars(metered)} for the sandbox, and ${dollars(charged)} is charged`;
  const details = { metered_micro_usd: metered, charged_micro_usd: charged };
  return [{ ...eventOf(look, isAbove ? "warning" : "info", "compute_compared", message), details }];
}

const level = (step: End) => (step.outcome === "succeeded" || step.outcome === "cancelled" ? "info" : "warning");
