/**
 * One call of a script. A commit is known by its operation and a look changes nothing, so a call whose answer was lost,
 * late or cut off is simply made again. The client's errors hold the whole command with its values: none of them gets out.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "@upstash/redis";

export interface RedisAddress {
  /** `https://….upstash.io`. */
  readonly url: string;
  readonly token: string;
}

/** The database did not answer, or said no. Whether a commit was done is open: its operation tells. */
export class RedisFault extends Error {
  override readonly name = "RedisFault";
}

export interface Scripts {
  /** Answers what the script returned, with every string as text. Throws a `RedisFault` that holds no value. */
  call(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
}

export interface Script {
  readonly text: string;
  readonly sha1: string;
}

export const script = (text: string): Script => ({ text, sha1: createHash("sha1").update(text).digest("hex") });

/** Upstash ends a request well before; beyond it the connection is dead. */
const answerMs = 10_000;
/** After so many waits the caller is told; the longest is behind a server that restarts. */
const waitsMs = [50, 200, 1000, 3000, 6000] as const;

export function openScripts({ url, token }: RedisAddress): Scripts {
  const redis = new Redis({
    url,
    token,
    // Tries are counted here, and cover late and broken answers too.
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(answerMs),
    // Values are JSON for us to read, and big numbers stay digits.
    automaticDeserialization: false,
    // Merges calls of one turn into one request, with one size and one fate; what goes together is decided in batches.ts.
    enableAutoPipelining: false,
    enableTelemetry: false,
    readYourWrites: true,
  });
  return {
    call: (script, keys, args) => insist(() => evaluate(redis, script, keys, args)),
    set: async (key, value, ttlMs) => {
      await insist(() => redis.set(key, value, { px: ttlMs }));
    },
  };
}

/** By its hash, as the text is long; a server that has forgotten it gets the text once more. */
async function evaluate(redis: Redis, { text, sha1 }: Script, keys: readonly string[], args: readonly string[]) {
  try {
    return await redis.evalsha<string[]>(sha1, [...keys], [...args]);
  } catch (error) {
    if (!messageOf(error).includes("NOSCRIPT")) throw error;
    return redis.eval<string[]>(text, [...keys], [...args]);
  }
}

async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      const waitMs = waitsMs[tries];
      if (waitMs === undefined || !isPassing(error)) throw faultOf(error);
      await sleep(waitMs);
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What Redis said of the command itself (`ERR …`, `WRONGPASS …`) stays so however often it is asked; a limit may pass. */
const isLasting = (message: string): boolean =>
  /^(?:ERR|WRONGTYPE|WRONGPASS|NOPERM|NOSCRIPT|Unauthorized)\b/i.test(message) && !/limit|too many/i.test(message);

const isPassing = (error: unknown): boolean => !isLasting(messageOf(error));

/** The client appends the command to Redis' own words, and quotes answers that it cannot read. */
function faultOf(error: unknown): RedisFault {
  const [said = ""] = messageOf(error).split(/,? command was:|Unable to parse|\n/);
  const words = said === "" ? "the answer could not be read" : said.slice(0, 200);
  return new RedisFault(`Redis: ${words}`);
}
