/**
 * Hints that there is news. Commits of this process are told with their topics; those of another process are noticed by
 * a number that SQLite changes with each of them, and told as the topic `*`, for it does not say what they were.
 */

/** The topic that may mean any of them. */
const anyTopic = "*";

export interface Wakes {
  tell(topics: Iterable<string>): void;
  /** Returns the way to stop. */
  listen(listener: (topic: string) => void): () => void;
  close(): void;
}

/**
 * `dataVersion` gives the present number and is asked every `pollMs` while somebody listens; 0 turns it off.
 * The timer keeps no process alive.
 */
export function openWakes({ pollMs, dataVersion }: { pollMs: number; dataVersion: () => number }): Wakes {
  const listeners = new Set<{ readonly hear: (topic: string) => void }>();
  let timer: NodeJS.Timeout | undefined;

  function tell(topics: Iterable<string>): void {
    for (const topic of topics) {
      for (const listener of listeners) {
        // In a task of its own: a listener that throws is an uncaught error of its owner's, not a failed commit.
        queueMicrotask(() => {
          if (listeners.has(listener)) listener.hear(topic);
        });
      }
    }
  }

  function poll(): NodeJS.Timeout {
    let known: number | undefined = dataVersion();
    return setInterval(() => {
      const present = versionUnlessFault();
      if (present === undefined || present !== known) tell([anyTopic]);
      known = present;
    }, pollMs).unref();
  }

  function versionUnlessFault(): number | undefined {
    try {
      return dataVersion();
    } catch {
      // Thrown in a timer it would end the process. Whoever is told looks, and meets the fault where it is reported.
      return undefined;
    }
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    tell,
    listen(hear) {
      const listener = { hear };
      listeners.add(listener);
      if (pollMs > 0) timer ??= poll();
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
