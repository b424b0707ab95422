/** The loop in real time: a tick when something is said to be due, when the clock makes it so, and now and then in any case. */
import { secondMs } from "../core/instant.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Store } from "../core/ports/store.ts";
import type { Next } from "../records/due.ts";
import { dueTopic, workIn } from "../records/task-put.ts";
import type { Engine } from "./engine.ts";

export interface Loop {
  /** Starts nothing new and waits for what is under way, at most so long. Whatever is cut short is taken up again later. */
  drain(atMostMs: number): Promise<void>;
}

/** A wake may be lost, so silence is not trusted for longer; while it was right it is doubled, up to `quietMs`. */
const atLeastEveryMs = secondMs;

/** Who brought something about is at work on it at once; the others look after this whether it did. */
const elsewhereMs = secondMs;

export function startLoop(
  open: (moved: (next: Next | "look") => void) => Engine,
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
  const engine = open((next) => (next === "look" ? poke() : schedule(next)));

  /** For the next thing that is known, or else for a look into the silence. */
  function schedule({ nextAt, nextWork }: Next): void {
    clearTimeout(timer);
    if (stopped) return;
    const isOthers = nextWork !== undefined && !engine.isOurs(nextWork);
    const untilNext =
      nextAt === undefined ? Infinity : Math.max(1, nextAt - clock.now()) + (isOthers ? elsewhereMs : 0);
    const isKnown = untilNext <= silenceMs;
    timer = setTimeout(
      () => {
        if (!isKnown) silence();
        else if (nextWork === undefined || isOthers || !engine.begin(nextWork)) poke();
        else schedule({ nextAt: undefined, nextWork: undefined });
      },
      isKnown ? untilNext : silenceMs,
    );
  }
  const tick = async (ticked: (started: number) => void): Promise<void> => {
    const found = await engine.tick();
    ticked(found.started);
    schedule(found);
  };
  const silence = (): void =>
    poke((started) => {
      // Something was due that nobody had said: others may follow it.
      silenceMs = started > 0 ? atLeastEveryMs : Math.min(world.quietMs, 2 * silenceMs);
    });
  function poke(ticked: (started: number) => void = () => undefined): void {
    if (stopped) return;
    if (ticking) {
      again = true;
      return;
    }
    ticking = true;
    again = false;
    tick(ticked)
      .catch((error: unknown) => {
        log.error({ err: error }, "the loop could not look");
        silenceMs = atLeastEveryMs;
        schedule({ nextAt: undefined, nextWork: undefined });
      })
      .finally(() => {
        ticking = false;
        if (again) poke();
      });
  }
  const reconcile = (): void => {
    engine.reconcile().catch((error: unknown) => log.error({ err: error }, "reconciling failed"));
  };
  let lookSoon: NodeJS.Timeout | undefined;
  const unlisten = store.onWake((topic, from) => {
    const work = workIn(topic);
    if (topic === dueTopic || topic === "*") poke();
    else if (work === undefined || stopped) return;
    else if (from === "here") engine.begin(work);
    else
      lookSoon ??= setTimeout(() => {
        lookSoon = undefined;
        poke();
      }, elsewhereMs);
  });
  const reconciling = setInterval(reconcile, world.reconcileEveryMs);
  reconcile();
  poke();
  return {
    async drain(atMostMs) {
      stopped = true;
      engine.stop();
      clearTimeout(timer);
      clearTimeout(lookSoon);
      clearInterval(reconciling);
      unlisten();
      const patience = new Promise<void>((resolve) => setTimeout(resolve, atMostMs).unref());
      await Promise.race([engine.idle(), patience]);
    },
  };
}
