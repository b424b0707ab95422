/** What one attempt may have under way at a time, so that none takes from the service what the others need. */
import type { AttemptId } from "../core/ids.ts";

export interface Share {
  /** Counts bytes that the service keeps for this call. False where the attempt would have too many; then none count. */
  keep(bytes: number): boolean;
  /** Gives back the call and its bytes. Later calls change nothing. */
  leave(): void;
}

export interface Shares {
  /** Undefined where the attempt has as many calls under way as it may. */
  take(attempt: AttemptId): Share | undefined;
}

/** How long, in seconds, the one who is refused is told to wait. */
export const retryAfterSeconds = "2";

/** `calls` and `bytes` are the most of one attempt. */
export function openShares(most: { readonly calls: number; readonly bytes: number }): Shares {
  const taken = new Map<AttemptId, { calls: number; bytes: number }>();
  return {
    take(attempt) {
      const all = taken.get(attempt) ?? { calls: 0, bytes: 0 };
      if (all.calls >= most.calls) return undefined;
      all.calls += 1;
      taken.set(attempt, all);
      let kept = 0;
      let left = false;
      return {
        keep(bytes) {
          if (all.bytes + bytes > most.bytes) return false;
          all.bytes += bytes;
          kept += bytes;
          return true;
        },
        leave() {
          if (left) return;
          left = true;
          all.calls -= 1;
          all.bytes -= kept;
          if (all.calls === 0) taken.delete(attempt);
        },
      };
    },
  };
}
