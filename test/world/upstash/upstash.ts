/**
 * Upstash Redis over REST as its pages describe it, in front of a real redis-server: what the store of many replicas is
 * tested against. Requests can go wrong on order (`faults`), Redis can be killed and started again, and commands are
 * counted as they would be billed. Nothing is logged. Left out: replicas that lag, the limits of 32 KB for a member of a set,
 * 100 MB for a key's value and 1,000 pending entries of a consumer, and what Upstash's Lua does not have.
 */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { openMeter, type Billed } from "./bill.ts";
import { connect, type Connection } from "./connection.ts";
import { openFaults, type Faults } from "./faults.ts";
import { openRedisServer } from "./redis-server.ts";
import type { Database } from "./perform.ts";
import { openService } from "./service.ts";

export interface Upstash {
  /** `http://127.0.0.1:…`, without a slash at its end. */
  readonly url: string;
  readonly token: string;
  readonly faults: Faults;
  readonly billed: Billed;
  /** Breaks every open stream of events. */
  cutStreams(): void;
  /** Streams that are open now. */
  streams(): number;
  /** Orderly stop and start on the same data. Streams break, requests meanwhile are answered 503. */
  restartRedis(): Promise<void>;
  /** SIGKILL; `startRedis` brings back everything that was acknowledged, but no script. */
  killRedis(): Promise<void>;
  startRedis(): Promise<void>;
  /** Empties the database and forgets the scripts; not billed. */
  flush(): Promise<void>;
  /** Ends everything and removes the data. Requests that still wait are cut. */
  close(): Promise<void>;
}

/** Needs the program `redis-server`: `test.skipIf(!needs("redis-server"))`. */
export async function openUpstash({ token = "upstash-token" }: { readonly token?: string } = {}): Promise<Upstash> {
  const redis = openRedisServer();
  const faults = openFaults();
  const meter = openMeter();
  let connection: Connection | undefined;
  const database: Database = { path: redis.path, connection: () => connection };
  const service = openService({ database, faults, meter, token });

  async function startRedis(): Promise<void> {
    await redis.start();
    connection = await connect(redis.path);
  }
  async function away(end: () => Promise<void>): Promise<void> {
    await end();
    connection?.close();
    connection = undefined;
  }
  await startRedis();
  const server = createServer((request, response) => void service.serve(request, response));
  // An idle connection that ends while the next request is sent would look like a fault that nobody ordered.
  server.keepAliveTimeout = 0;
  const url = await listen(server);
  return {
    url,
    token,
    faults,
    billed: meter.billed,
    cutStreams: () => service.streams.cut(),
    streams: () => service.streams.count(),
    startRedis,
    killRedis: () => away(() => redis.kill()),
    async restartRedis() {
      await away(() => redis.stop());
      await startRedis();
    },
    async flush() {
      await connection?.call(["FLUSHALL"]);
      await connection?.call(["SCRIPT", "FLUSH"]);
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, away(() => redis.close())]);
    },
  };
}

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the stand-in has no port");
  return `http://127.0.0.1:${address.port}`;
}
