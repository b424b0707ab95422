/** Listening for HTTP, on an address or on a unix socket. */
import { createServer, type Server } from "node:http";
import { chmodSync, rmSync } from "node:fs";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";

export interface Listening {
  /** The port it got, where it listens on one. */
  readonly port: number | undefined;
  /** Takes no new call and ends those that are open. */
  close(): Promise<void>;
}

/**
 * `mode` is for the socket file: sandboxes that run as other users must be able to connect. `connections` is the most at
 * one time; more are closed at once.
 */
export type Address =
  | { readonly socket: string; readonly mode: number; readonly connections: number }
  | { readonly host: string; readonly port: number };

/**
 * A sandbox is on this machine, so what it sends is here in no time; the answer may take as long as it needs. What is
 * slower holds a connection, and what was sent so far, for nothing.
 */
const sandboxPace = { headersTimeout: 10_000, requestTimeout: 60_000, connectionsCheckingInterval: 5000 };

export async function listen(app: Hono, address: Address): Promise<Listening> {
  // It answers what it throws itself.
  const handle = getRequestListener(app.fetch);
  const server = createServer("socket" in address ? sandboxPace : {}, (request, response) => {
    void handle(request, response);
  });
  if ("socket" in address) server.maxConnections = address.connections;
  await bind(server, address);
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : undefined,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function bind(server: Server, address: Address): Promise<void> {
  const listening = new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", resolve);
  });
  if ("socket" in address) {
    // One that is left from a process that died; a living one is kept out by the engine's lock.
    rmSync(address.socket, { force: true });
    server.listen(address.socket);
  } else {
    server.listen(address.port, address.host);
  }
  await listening;
  if ("socket" in address) chmodSync(address.socket, address.mode);
}
