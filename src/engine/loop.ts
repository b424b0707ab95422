/** The loop in real time: a tick when something is said to be due, when the clock makes it so, and now and then in any case. */
import { secondMs } from "../core/instant.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Store } from "../core/ports/store.ts";
import { dueTopic } from "../records/task-put.ts";
import type { Engine } from "./engine.ts";

export interface Loop {
  /** Starts nothing new and waits for what is under way, at most so long. Whatever is cut short is taken up again later. */
  drain(atMostMs: number): Promise<void>;
}

/** A wake may be lost, so silence is not trusted for longer; where nothing was due it is doubled, up to `quietMs`. */
const atLeastEveryMs = secondMs;

export function startLoop(
  open: (moved: () => void) => Engine,
  world: {
    store: Store;
    clock: Clock;
    log: Log;
    reconcileEveryMs: number;
    /** The longest time without a look; looks may cost money. */
    quietMs: number;
  },
): Loop {
  const { store, clock, log } = world;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let ticking = false;
  let again = false;
  let silenceMs = atLeastEveryMs;
  const engine = open(() => poke());

  const schedule = (delayMs: number): void => {
    clearTimeout(timer);
    if (!stopped) timer = setTimeout(poke, delayMs);
  };
  const tick = async (): Promise<void> => {
    const { started, nextAt } = await engine.tick();
    silenceMs = started > 0 ? atLeastEveryMs : Math.min(world.quietMs, 2 * silenceMs);
    const untilNext = nextAt === undefined ? silenceMs : nextAt - clock.now();
    schedule(Math.min(silenceMs, Math.max(1, untilNext)));
  };
  function poke(): void {
    if (stopped) return;
    if (ticking) {
      again = true;
      return;
    }
    ticking = true;
    again = false;
    tick()
      .catch((error: unknown) => {
        log.error({ err: error }, "the loop could not look");
        schedule(atLeastEveryMs);
      })
      .finally(() => {
        ticking = false;
        if (again) poke();
      });
  }
  const reconcile = (): void => {
    engine.reconcile().catch((error: unknown) => log.error({ err: error }, "reconciling failed"));
  };
  const unlisten = store.onWake((topic) => {
    if (topic === dueTopic || topic === "*") poke();
  });
  const reconciling = setInterval(reconcile, world.reconcileEveryMs);
  reconcile();
  poke();
  return {
    async drain(atMostMs) {
      stopped = true;
      clearTimeout(timer);
      clearInterval(reconciling);
      unlisten();
      const patience = new Promise<void>((resolve) => setTimeout(resolve, atMostMs).unref());
      await Promise.race([engine.idle(), patience]);
    },
  };
}
