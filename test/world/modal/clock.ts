/** The stand-in's clock: the machine's, plus what a test let pass. Lifetimes and bills go by it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Lets time pass; what falls due in it happens before this returns. */
  pass(ms: number): void;
  /** Calls once at or after the instant; the answer calls it off. */
  at(instant: number, call: () => void): () => void;
}

interface Alarm {
  readonly instant: number;
  readonly call: () => void;
  timer: NodeJS.Timeout | undefined;
}

/** The longest that a timer of Node can be set to. */
const longestMs = 2 ** 31 - 1;

export function openClock(): Clock {
  let passed = 0;
  const alarms = new Set<Alarm>();
  const now = (): number => Date.now() + passed;

  function set(alarm: Alarm): void {
    clearTimeout(alarm.timer);
    if (alarm.instant > now()) {
      alarm.timer = setTimeout(() => set(alarm), Math.min(longestMs, alarm.instant - now()));
      return;
    }
    if (alarms.delete(alarm)) alarm.call();
  }

  return {
    now,
    pass(ms) {
      passed += ms;
      for (const alarm of [...alarms].sort((a, b) => a.instant - b.instant)) set(alarm);
    },
    at(instant, call) {
      const alarm: Alarm = { instant, call, timer: undefined };
      alarms.add(alarm);
      set(alarm);
      return () => {
        clearTimeout(alarm.timer);
        alarms.delete(alarm);
      };
    },
  };
}
