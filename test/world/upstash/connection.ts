/** Commands to redis-server as bytes, and its answers told apart: text, integer, array, nothing, error. */
import { Redis } from "ioredis";

export type Command = readonly [name: string, ...args: (string | Buffer)[]];

/** An integer arrives as its digits, text as bytes; within a transaction an error may stand in an array. */
export type Reply = string | Buffer | null | Error | readonly Reply[];

export interface Connection {
  /** Throws what Redis refuses, with its words; `Gone` when Redis went away, whether it had done the command or not. */
  call(command: Command): Promise<Reply>;
  /** All of them with nobody else's in between. Throws the first refusal when Redis discards them. */
  transaction(commands: readonly Command[]): Promise<readonly Reply[]>;
  close(): void;
}

/** Redis is away. */
export class Gone extends Error {
  override readonly name = "Gone";
}

/** Redis refused. */
export class Refused extends Error {
  override readonly name = "Refused";
}

export async function connect(path: string): Promise<Connection> {
  const redis = await dial(path);
  const call = async ([name, ...args]: Command): Promise<Reply> => {
    try {
      // Upper case: for some lower-case names the client changes the answer's shape.
      return (await redis.callBuffer(name.toUpperCase(), ...args)) as Reply;
    } catch (error) {
      throw asOurs(error);
    }
  };
  return {
    call,
    async transaction(commands) {
      // Written in one go, so that nothing comes between.
      const answers = [["MULTI"] as const, ...commands, ["EXEC"] as const].map((command) => call(command));
      const settled = await Promise.allSettled(answers);
      for (const each of settled) if (each.status === "rejected") throw each.reason;
      const replies = await answers.at(-1);
      if (!Array.isArray(replies)) throw new Refused("EXECABORT Transaction discarded");
      return replies;
    },
    close: () => redis.disconnect(),
  };
}

export type Heard = { readonly channel: string; readonly pattern?: string; readonly message: Buffer };

export interface Subscription {
  /** Resolves when the connection to Redis has ended. */
  readonly ended: Promise<void>;
  close(): void;
}

/** A connection of its own, which hears one channel or the channels of one pattern from when this resolves. */
export async function hear(
  path: string,
  of: { readonly channel: string } | { readonly pattern: string },
  listener: (heard: Heard) => void,
): Promise<Subscription> {
  const redis = await dial(path);
  const ended = new Promise<void>((resolve) => {
    redis.once("end", () => resolve());
  });
  redis.on("messageBuffer", (on: Buffer, message: Buffer) => listener({ channel: String(on), message }));
  redis.on("pmessageBuffer", (by: string, on: Buffer, message: Buffer) =>
    listener({ channel: String(on), pattern: by, message }),
  );
  try {
    await ("channel" in of ? redis.subscribe(of.channel) : redis.psubscribe(of.pattern));
  } catch (error) {
    throw asOurs(error);
  }
  return { ended, close: () => redis.disconnect() };
}

async function dial(path: string): Promise<Redis> {
  const redis = new Redis({
    path,
    // The older protocol has no maps and no doubles, and Upstash's JSON has none either.
    protocol: 2,
    lazyConnect: true,
    stringNumbers: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    disableClientInfo: true,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  // What breaks is told to whoever waits for an answer.
  redis.on("error", () => undefined);
  try {
    await redis.connect();
  } catch (error) {
    throw new Gone("Redis is away", { cause: error });
  }
  return redis;
}

function asOurs(error: unknown): Error {
  if (error instanceof Error && error.name === "ReplyError") return new Refused(error.message);
  return new Gone("Redis went away", { cause: error });
}
