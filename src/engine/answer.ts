/** Answering a request: carry out what it says and post one reply, or put it off when something is broken. */
import { Busy } from "../core/busy.ts";
import { after, dayMs, minuteMs, secondMs, type Instant } from "../core/instant.ts";
import { endRequest, keepAnswer, takeRequest, type Request } from "../records/requests.ts";
import type { Dues } from "./dues.ts";
import { keepLease, leaseMs } from "./keep-lease.ts";
import type { Room } from "./room.ts";

/** GitHub may be away for hours, and a cancel that was asked for must not be forgotten meanwhile. */
const triedForMs = dayMs;
const longestDelayMs = 10 * minuteMs;

export async function answer(room: Room, id: string, dues: Dues): Promise<boolean> {
  const { store, clock, ids, holder } = room;
  const now = clock.now();
  const turn = await takeRequest(store, { id, holder, ttlMs: leaseMs, now, op: ids.unique() });
  if (turn === undefined) return false;
  const request = turn.request.value;
  const end = async (again: { at: Instant; tries: number } | undefined): Promise<void> =>
    dues.found(await endRequest(store, held, { again, now: clock.now(), op: ids.unique(), due: dues.ask() }));
  const unit = { request: id, tries: request.tries };
  let held = turn;
  // Whoever takes over later finds the answer kept.
  const stop = keepLease(room, turn.lease);
  try {
    const words = await room.answer(request);
    const kept = await keepAnswer(store, turn, { words, now: clock.now(), op: ids.unique() });
    if (kept === "lost") return true;
    held = kept;
    if (words !== "") await room.forge.reply(request.place, request.id, words);
    await end(undefined);
    room.log.info({ ...unit, outcome: "done", durationMs: clock.now() - now }, "answer");
  } catch (error) {
    const again = nextTry(request, error, clock.now());
    if (!(error instanceof Busy)) room.log.error({ ...unit, again: again?.at, err: error }, "an answer failed");
    await end(again);
  } finally {
    stop();
  }
  return true;
}

function nextTry(request: Request, error: unknown, now: Instant): { at: Instant; tries: number } | undefined {
  if (error instanceof Busy) return { at: error.until, tries: request.tries };
  if (now >= after(request.createdAt, triedForMs)) return undefined;
  return { at: after(now, Math.min(longestDelayMs, 5 * secondMs * 2 ** request.tries)), tries: request.tries + 1 };
}
