/** Time as an argument, so that tests step through what would otherwise take seconds. */
export type Timing = {
  /** Milliseconds since 1970. */
  now(): number;
  /** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, until?: AbortSignal): Promise<void>;
};

/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1;

export const realTiming: Timing = {
  now: () => Date.now(),
  sleep: (ms, until) =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        until?.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, until?.aborted === true ? 0 : Math.min(ms, longestTimerMs));
      until?.addEventListener("abort", done);
    }),
};

/** The pause before another try, after so many failures in a row: 0.2 s, doubled up to 5 s. */
export const backoffMs = (failures: number): number => Math.min(5000, 100 * 2 ** failures);
