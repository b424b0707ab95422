/**
 * One writer for each installation: what we change on GitHub goes out one call at a time, and what notifies people
 * goes out a second apart (GitHub's advice against its secondary limit). It never sleeps: who must wait is told until when,
 * and comes back with newer words.
 */
import { after, Instant, minuteMs, secondMs } from "../core/instant.ts";
import type { Clock } from "../core/ports/clock.ts";
import { Busy } from "../core/busy.ts";

export type Writer = {
  /** Sends when the writes before it have been answered. */
  send<T>(job: () => Promise<T>): Promise<T>;
  /** The same for a new comment. Rejects with `Busy` before its turn; the turn is kept for this key. */
  createInTurn<T>(key: string, job: () => Promise<T>): Promise<T>;
  /** The same for what a person is waiting for: it goes at once, and those in turn go later. */
  createNow<T>(job: () => Promise<T>): Promise<T>;
};

const apartMs = secondMs;
/** A turn that nobody came for. */
const forgottenMs = 10 * minuteMs;

export function openWriter(clock: Clock): Writer {
  let last: Promise<unknown> = Promise.resolve();
  let free = Instant.parse(0);
  const turns = new Map<string, Instant>();

  const takeTurn = (): Instant => {
    const turn = Instant.parse(Math.max(free, clock.now()));
    free = after(turn, apartMs);
    return turn;
  };
  const send = <T>(job: () => Promise<T>): Promise<T> => {
    const mine = last.then(job);
    // Its caller hears of a failure; here it must only not stop those behind it.
    last = mine.catch(() => undefined);
    return mine;
  };
  return {
    send,
    async createInTurn(key, job) {
      const turn = turns.get(key) ?? takeTurn();
      if (clock.now() < turn) {
        for (const [other, at] of turns) if (at < clock.now() - forgottenMs) turns.delete(other);
        turns.set(key, turn);
        throw new Busy(turn);
      }
      turns.delete(key);
      return send(job);
    },
    createNow(job) {
      takeTurn();
      return send(job);
    },
  };
}
