/** Answering a request: carry out what it says and post one reply, or put it off when something is broken. */
import { Busy } from "../core/busy.ts";
import { after, minuteMs, secondMs } from "../core/instant.ts";
import { endRequest, takeRequest } from "../records/requests.ts";
import type { Room } from "./room.ts";

const answerMs = minuteMs;
const triesAtMost = 6;

export async function answer(room: Room, id: string): Promise<boolean> {
  const { store, clock, ids, holder } = room;
  const now = clock.now();
  const turn = await takeRequest(store, { id, holder, ttlMs: answerMs, now, op: ids.unique() });
  if (turn === undefined) return false;
  const request = turn.request.value;
  const unit = { request: id, tries: request.tries };
  try {
    const words = await room.answer(request);
    await room.forge.reply(request.place, request.id, words);
    await endRequest(store, turn, { again: undefined, now: clock.now(), op: ids.unique() });
    room.log.info({ ...unit, outcome: "done", durationMs: clock.now() - now }, "answer");
  } catch (error) {
    if (error instanceof Busy) {
      await endRequest(store, turn, {
        again: { at: error.until, tries: request.tries },
        now: clock.now(),
        op: ids.unique(),
      });
      return true;
    }
    room.log.error({ ...unit, err: error }, "an answer failed");
    const at = clock.now();
    const tries = request.tries + 1;
    const again = tries < triesAtMost ? { at: after(at, 5 * secondMs * 2 ** request.tries), tries } : undefined;
    await endRequest(store, turn, { again, now: at, op: ids.unique() });
  }
  return true;
}
