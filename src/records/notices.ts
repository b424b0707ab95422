/**
 * Notices: written once under their key, with their event, and due until every channel has them. One engine at a time tells
 * them, so that two do not make the same issue.
 */
import { z } from "zod";
import { after, dayMs, type Instant } from "../core/instant.ts";
import { Notice, noticeEvent } from "../core/notice.ts";
import type { Put, Store } from "../core/ports/store.ts";
import { allKept, indexes, kept, keys, sortKey, type Kept } from "./document.ts";
import { eventAppends } from "./events.ts";
import { underLease, type Lease, type LeaseAsk } from "./lease.ts";

const StoredNotice = Notice.extend({
  /** Names of the channels that have it. */
  told: z.array(z.string()),
  tries: z.int().min(0),
});
export type StoredNotice = z.output<typeof StoredNotice>;

/** Longer than any ceiling's time: what is forgotten would be told again. */
const keptMs = 100 * dayMs;

/** With `due`, it is to be told then; without, it is done with and only remembered. */
const noticePut = (notice: StoredNotice, due: Instant | undefined): Put => ({
  key: keys.notice(notice.key),
  value: notice,
  ...(due === undefined
    ? { until: after(notice.at, keptMs) }
    : { entries: [[indexes.noticesDue, sortKey(due)] as const] }),
});

/** `isTold` where it goes to channels; else the event and the log are all. "known": somebody has raised it before. */
export async function raise(
  store: Store,
  notice: Notice,
  { to, now, op }: { to: "channels" | "nobody"; now: Instant; op: string },
): Promise<"raised" | "known"> {
  const stored: StoredNotice = { ...notice, told: [], tries: 0 };
  const result = await store.commit({
    op,
    now,
    versions: [[keys.notice(notice.key), 0]],
    put: [noticePut(stored, to === "channels" ? now : undefined)],
    append: eventAppends([noticeEvent(notice)]),
  });
  return result.ok ? "raised" : "known";
}

/** When each was raised, in their order; undefined for one that was not. */
export async function raisedAt(
  store: Store,
  now: Instant,
  notices: readonly string[],
): Promise<(Instant | undefined)[]> {
  if (notices.length === 0) return [];
  const documents = await store.look(
    now,
    notices.map((key) => ({ get: keys.notice(key) })),
  );
  return documents.map((document) => kept(StoredNotice, document)?.value.at);
}

/** Of one round; the rest comes with the next. */
const atOnce = 20;

const dueQuery = (now: Instant) => ({ range: indexes.noticesDue, to: sortKey(now), limit: atOnce }) as const;

export async function areNoticesDue(store: Store, now: Instant): Promise<boolean> {
  const [hits] = await store.look(now, [dueQuery(now)]);
  return hits.length > 0;
}

export interface NoticesTurn {
  readonly notices: readonly Kept<StoredNotice>[];
  readonly lease: Lease;
}

/** Undefined where another engine tells them, or none is due. */
export const takeNotices = (store: Store, ask: LeaseAsk): Promise<NoticesTurn | undefined> =>
  underLease(store, ask, {
    name: "notices",
    asked: [dueQuery(ask.now)],
    async read(lease, [hits]) {
      const notices = allKept(StoredNotice, hits);
      return notices.length === 0 ? undefined : { notices, lease };
    },
  });

/** How a notice stands after it was told, or was tried to be. `again`: when to try the channels that do not have it. */
export async function noteTold(
  store: Store,
  turn: NoticesTurn,
  ask: { notice: StoredNotice; again: Instant | undefined; now: Instant; op: string },
): Promise<"noted" | "lost"> {
  const { notice, again, now, op } = ask;
  const result = await store.commit({
    op,
    now,
    leases: [{ ...turn.lease, act: "hold" }],
    put: [noticePut(notice, again)],
  });
  return result.ok ? "noted" : "lost";
}
