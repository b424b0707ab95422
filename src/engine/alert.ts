/** Alerts on what the tasks that ended lately came to. */
import { alertsOf, alertWindowMs } from "../core/alerts.ts";
import type { Instant } from "../core/instant.ts";
import type { Notice } from "../core/notice.ts";
import type { EndedTask } from "../core/task.ts";
import { raisedAt } from "../records/notices.ts";
import type { Room } from "./room.ts";

/** `ended` are the tasks of the window. Within one window the same is said once. */
export async function alertNotices(room: Room, ended: readonly EndedTask[], now: Instant): Promise<Notice[]> {
  const alerts = alertsOf(ended, room.operator.alerts, now);
  // A new hour of the clock may have begun a minute ago, over the same tasks.
  const keys = alerts.flatMap(({ notice, keyBefore }) => [notice.key, keyBefore]);
  const before = await raisedAt(room.store, now, keys);
  return alerts.flatMap(({ notice }, place) => {
    const told = before.slice(2 * place, 2 * place + 2);
    return told.some((at) => at !== undefined && now < at + alertWindowMs) ? [] : [notice];
  });
}
