/**
 * Telling the operator: what the records show is raised as notices, once each, and what is due goes to every channel until
 * it has it. Part of reconciling, so whatever breaks off is taken up by the next round of any replica.
 */
import { alertWindowMs } from "../core/alerts.ts";
import { Busy } from "../core/busy.ts";
import { after, dayMs, earliest, hourMs, minuteMs, type Instant } from "../core/instant.ts";
import type { Notice } from "../core/notice.ts";
import type { OperatorChannel } from "../core/ports/notices.ts";
import { endedWithin, liveTasks } from "../records/live-tasks.ts";
import { releaseLease } from "../records/lease.ts";
import { areNoticesDue, noteTold, raise, takeNotices, type StoredNotice } from "../records/notices.ts";
import { alertNotices } from "./alert.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import type { Room } from "./room.ts";
import { budgetNotices } from "./watch-budgets.ts";

/** A channel may be away over a weekend; later the news is old. */
const triedForMs = 3 * dayMs;

/** The oldest live tasks are those that spend; more of them have few other ceilings. */
const watchedAtMost = 200;

export async function notifyOperator(room: Room): Promise<void> {
  const { store, clock } = room;
  const now = clock.now();
  // In one turn, so that a store which bills its calls makes one of them.
  const [live, ended, isDue] = await Promise.all([
    liveTasks(store, now, watchedAtMost),
    endedWithin(store, now, alertWindowMs),
    areNoticesDue(store, now),
  ]);
  const notices = [...(await budgetNotices(room, [...live, ...ended], now)), ...(await alertNotices(room, ended, now))];
  let raised = 0;
  for (const notice of notices) if (await isRaised(room, notice, now)) raised += 1;
  if ((isDue || raised > 0) && room.operator.channels.length > 0) await tellAll(room);
}

async function isRaised(room: Room, notice: Notice, now: Instant): Promise<boolean> {
  // What a task spends of its own is its asker's to know, and in the report.
  const to = room.operator.channels.length > 0 && notice.task === undefined ? "channels" : "nobody";
  if ((await raise(room.store, notice, { to, now, op: room.ids.unique() })) === "known") return false;
  room.log.warn({ notice: notice.key, ...notice.facts }, "notice");
  return to === "channels";
}

async function tellAll(room: Room): Promise<void> {
  const { store, clock, ids, holder } = room;
  const turn = await takeNotices(store, { holder, ttlMs: leaseMs, now: clock.now(), op: ids.unique() });
  if (turn === undefined) return;
  const stop = keepLease(room, turn.lease);
  try {
    for (const { value } of turn.notices) {
      const { notice, again } = await tell(room, value);
      const noted = await noteTold(store, turn, { notice, again, now: clock.now(), op: ids.unique() });
      // Another engine tells them now.
      if (noted === "lost") return;
    }
  } finally {
    stop();
    await releaseLease(store, turn.lease, { now: clock.now(), op: ids.unique() });
  }
}

/** To each channel that does not have it; one that fails is in no other's way. */
async function tell(room: Room, notice: StoredNotice): Promise<{ notice: StoredNotice; again: Instant | undefined }> {
  const now = room.clock.now();
  const missing = room.operator.channels.filter(({ name }) => !notice.told.includes(name));
  const outcomes = await Promise.all(missing.map((channel) => tellOne(room, channel, notice)));
  const told = missing.flatMap(({ name }, place) => (outcomes[place] === "told" ? [name] : []));
  const next = { ...notice, told: [...notice.told, ...told], tries: notice.tries + 1 };
  const agains = outcomes.filter((outcome) => outcome !== "told");
  if (agains.length === 0) return { notice: next, again: undefined };
  if (now < after(notice.at, triedForMs)) return { notice: next, again: earliest(...agains) };
  room.log.error({ notice: notice.key, tries: next.tries, told: next.told }, "a notice is given up");
  return { notice: next, again: undefined };
}

async function tellOne(room: Room, channel: OperatorChannel, notice: StoredNotice): Promise<"told" | Instant> {
  try {
    await channel.tell(notice);
    return "told";
  } catch (error) {
    if (error instanceof Busy) return error.until;
    const again = after(room.clock.now(), Math.min(hourMs, minuteMs * 2 ** notice.tries));
    room.log.warn({ notice: notice.key, channel: channel.name, again, err: error }, "a notice could not be told");
    return again;
  }
}
