/**
 * What this process knows of the attempts whose runners speak to it, so that a runner which goes on as it did costs no look.
 * It saves calls and decides nothing: what is written is conditioned on it, and what is answered from it alone is an inbox
 * without news. News is told by wakes, which may be lost, so nothing here is trusted for long.
 */
import type { AttemptId } from "../core/ids.ts";
import { minuteMs, type Instant } from "../core/instant.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import type { Known } from "../records/hear.ts";
import { attemptIn } from "../records/inbox.ts";

export interface Acquaintances {
  /** As of some moment. */
  of(attempt: AttemptId): Known | undefined;
  /** The same, where no news came since, and not long ago. */
  lately(attempt: AttemptId): Known | undefined;
  /** Reads, and remembers what it read; undefined where there is no such attempt. */
  learn(attempt: AttemptId, read: () => Promise<Known | undefined>): Promise<Known | undefined>;
  /** Listens for news from now on. Returns the way to stop. */
  onNews(attempt: AttemptId, listener: () => void): () => void;
}

/** Some kilobytes each. */
const knownAtMost = 1000;
/** A runner speaks twice in it. */
const trustedMs = minuteMs;

interface Acquaintance {
  readonly known: Known;
  /** Undefined from the first news on. */
  readAt: Instant | undefined;
}

export function openAcquaintances({ store, clock }: { store: Store; clock: Clock }): Acquaintances {
  const all = new Map<AttemptId, Acquaintance>();
  const listeners = new Map<AttemptId, Set<() => void>>();
  let news = 0;
  const announce = (attempt: AttemptId): void => {
    for (const listener of listeners.get(attempt) ?? []) listener();
  };
  const tell = (attempt: AttemptId): void => {
    const found = all.get(attempt);
    if (found !== undefined) found.readAt = undefined;
    announce(attempt);
  };
  const hear = (topic: string): void => {
    const attempt = attemptIn(topic);
    if (attempt === undefined && topic !== "*") return;
    news += 1;
    if (attempt !== undefined) tell(attempt);
    else for (const each of new Set([...all.keys(), ...listeners.keys()])) tell(each);
  };
  let isListening = false;
  const listen = (): void => {
    if (!isListening) store.onWake(hear);
    isListening = true;
  };
  const keep = (known: Known, readAt: Instant | undefined): void => {
    const { id, endedAt } = known.attempt.value;
    // The newest last, so that the first is the one to forget.
    all.delete(id);
    if (endedAt !== undefined) return;
    all.set(id, { known, readAt });
    for (const oldest of all.keys()) if (all.size > knownAtMost) all.delete(oldest);
  };
  return {
    of: (attempt) => all.get(attempt)?.known,
    lately(attempt) {
      const found = all.get(attempt);
      return found?.readAt !== undefined && clock.now() - found.readAt < trustedMs ? found.known : undefined;
    },
    async learn(attempt, read) {
      listen();
      const before = news;
      const readAt = clock.now();
      const known = await read();
      if (known === undefined) all.delete(attempt);
      // News that came meanwhile may not be in what was read.
      else keep(known, news === before ? readAt : undefined);
      // Found without having been told.
      if (known !== undefined && known.messages.length > 0) announce(attempt);
      return known;
    },
    onNews(attempt, listener) {
      listen();
      const those = listeners.get(attempt) ?? new Set();
      listeners.set(attempt, those.add(listener));
      return () => {
        those.delete(listener);
        if (those.size === 0) listeners.delete(attempt);
      };
    },
  };
}
