/**
 * When GitHub may be asked again, for one installation. The primary limit stops every request until its reset;
 * a secondary limit stops writes alone, so that no task waits to start because reports were too many.
 */
import type { Clock } from "../core/ports/clock.ts";
import { after, Instant, minuteMs, secondMs } from "../core/instant.ts";
import { Busy } from "../core/busy.ts";
import { type Failure } from "./failure.ts";

export type Traffic = "read" | "write";

export type Limits = {
  /** Throws `Busy` while a request of this kind has to wait. */
  gate(traffic: Traffic): void;
  succeeded(traffic: Traffic): void;
  /** The pause that this failure asks for, from now on kept by `gate`; undefined where it is no limit. */
  failed(traffic: Traffic, failure: Failure): Busy | undefined;
};

/** GitHub's advice where it names no time: a minute at least, then longer each time. */
const pauseMs = (strikes: number): number => minuteMs * 2 ** Math.min(strikes, 4);

const seconds = (header: unknown): number | undefined => {
  const value = typeof header === "string" || typeof header === "number" ? Number(header) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
};

export function openLimits(clock: Clock): Limits {
  const until: Record<Traffic, Instant> = { read: Instant.parse(0), write: Instant.parse(0) };
  let strikes = 0;

  const pause = (which: readonly Traffic[], instant: Instant): Busy => {
    for (const each of which) if (until[each] < instant) until[each] = instant;
    return new Busy(instant);
  };

  return {
    gate(traffic) {
      if (clock.now() < until[traffic]) throw new Busy(until[traffic]);
    },
    succeeded(traffic) {
      if (traffic === "write") strikes = 0;
    },
    failed(traffic, failure) {
      if (failure.status !== 403 && failure.status !== 429) return undefined;
      const reset = seconds(failure.headers["x-ratelimit-reset"]);
      if (seconds(failure.headers["x-ratelimit-remaining"]) === 0 && reset !== undefined)
        return pause(["read", "write"], Instant.parse(Math.max(reset * secondMs, clock.now()) + secondMs));
      const retryAfter = seconds(failure.headers["retry-after"]);
      // Without a header only the sentence tells this 403 from a missing permission.
      const isSecondary =
        retryAfter !== undefined || failure.status === 429 || /secondary rate limit/i.test(failure.message);
      if (!isSecondary) return undefined;
      const waitMs = retryAfter === undefined ? pauseMs(strikes) : Math.max(retryAfter, 1) * secondMs;
      strikes += 1;
      return pause(traffic === "read" ? ["read", "write"] : ["write"], after(clock.now(), waitMs));
    },
  };
}
