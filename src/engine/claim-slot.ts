/** Claiming a slot: the task leaves the queue with money reserved for its sandbox's whole lifetime, or stays and says why. */
import { attemptId } from "../core/ids.ts";
import { budgetWords, dayOf, type Ceiling } from "../core/budget.ts";
import { dollars } from "../core/money.ts";
import { ended, waitingForMoney } from "../core/moves.ts";
import { noResult, patience } from "../core/next-step.ts";
import { after } from "../core/instant.ts";
import type { FailedCondition } from "../core/ports/store.ts";
import { changed } from "../records/budgets.ts";
import { claim } from "../records/claim.ts";
import { notHalted } from "../records/halt.ts";
import { shortScopes } from "../records/ledger.ts";
import { mayStart } from "./admit.ts";
import { claimNeed } from "../core/claim-need.ts";
import type { Room } from "./room.ts";
import { eventOf, type Done, type Look } from "./look.ts";

export async function claimSlot(room: Room, look: Look): Promise<Done> {
  const { task, now } = look;
  const { maxSandboxes, maxWaitMs } = room.limits;
  const microUsdPerHour = room.sandboxes.pricePerHour(task.spec.resources);
  const { halted, changes, used } = look.turn.terms;
  // It keeps its place in the queue.
  if (halted !== undefined) return { due: null };
  await mayStart(room, task);
  const budgets = changed(room.limits.budgets, changes);
  const { until, ceilings, held } = claimNeed(task, { used, budgets, microUsdPerHour, maxWaitMs, now });
  const claimed = claim(task, { microUsdPerHour, held, until, ceilings, maxSandboxes, now });
  const attempt = attemptId(task.id, task.attempts + 1);
  return {
    to: claimed.task,
    due: now,
    also: claimed.also,
    given: [notHalted],
    events: [{ ...eventOf(look, "info", "attempt_claimed", `attempt ${task.attempts + 1} has a slot`), attempt }],
    otherwise: (failed) => refusedClaim(look, failed, ceilings),
  };
}

function refusedClaim(
  look: Look,
  failed: readonly FailedCondition[],
  ceilings: readonly Ceiling[],
): Omit<Done, "otherwise"> {
  const { task, now } = look;
  const short = shortScopes(failed, ceilings);
  const own = short.find(({ ceiling }) => ceiling.kind === "task");
  if (own !== undefined) {
    const because = `its ceiling of ${dollars(own.ceiling.most)} does not cover a sandbox for its time limit`;
    return { to: ended(task, { finding: noResult("over-budget", because), now }), due: null };
  }
  const tightest = short[0];
  // Every slot is taken: the task keeps its place in the queue.
  if (tightest === undefined) return { due: null };
  const because = `budget: ${budgetWords(tightest)} used or reserved${freeAgain(tightest.ceiling)}`;
  return {
    to: waitingForMoney(task, because, now),
    due: after(now, patience.moneyMs),
    events: [eventOf(look, "warning", "task_waits_for_money", because)],
  };
}

/** Running tasks give back what they do not need, so it may be sooner. */
const freeAgain = ({ renewsAt }: Ceiling): string =>
  renewsAt === undefined ? "" : `; new money on ${dayOf(renewsAt)} (UTC) at the latest`;
