/** Hints that there is news: commits of this process are told with their topics, those of others as their store has it. */

import type { WakeFrom } from "../core/ports/store.ts";

/** The topic that may mean any of them. */
export const anyTopic = "*";

export type Tell = (topics: Iterable<string>, from: WakeFrom) => void;

export interface Wakes {
  readonly tell: Tell;
  /** Returns the way to stop. */
  listen(listener: (topic: string, from: WakeFrom) => void): () => void;
  close(): void;
}

/** `watch` looks out for the commits of other processes while somebody listens, and returns the way to stop. */
export function openWakes(watch: (tell: Tell) => () => void): Wakes {
  const listeners = new Set<{ readonly hear: (topic: string, from: WakeFrom) => void }>();
  let unwatch: (() => void) | undefined;

  function tell(topics: Iterable<string>, from: WakeFrom): void {
    for (const topic of topics) {
      for (const listener of listeners) {
        // In a task of its own: a listener that throws is an uncaught error of its owner's, not a failed commit.
        queueMicrotask(() => {
          if (listeners.has(listener)) listener.hear(topic, from);
        });
      }
    }
  }

  function stop(): void {
    unwatch?.();
    unwatch = undefined;
  }

  return {
    tell,
    listen(hear) {
      const listener = { hear };
      listeners.add(listener);
      unwatch ??= watch(tell);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) stop();
      };
    },
    close() {
      listeners.clear();
      stop();
    },
  };
}
