/**
 * The one way from a jail to the network: an HTTP proxy on a unix socket that lets through listed hosts only. It looks
 * a name up once and connects to the address that it judged, so that a name cannot mean another address a moment later.
 */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import { type Duplex, pipeline } from "node:stream";
import {
  addressesOf,
  egressRules,
  refusalOf,
  type Target,
  targetOfAbsolute,
  targetOfConnect,
} from "./egress-target.ts";

export type EgressEntry = {
  readonly outcome: "opened" | "refused" | "unreachable";
  readonly host: string;
  readonly port: number;
  /** The address that the connection is bound to, or "" where it did not come to that. */
  readonly address: string;
  /** Why it is not open, else "". */
  readonly because: string;
};

export interface EgressOptions {
  /** Made anew with mode 0666: the users of the jails connect to it. Its directory keeps others out. */
  readonly socketPath: string;
  /** `example.org` or `*.example.org`, on ports 80 and 443. */
  readonly allow: readonly string[];
  /** GitHub's address, `https://github.com`. Allowed at its own port, and the only one that may be a private address. */
  readonly origin: string;
  /** All addresses of a name; the system's resolver where it is left out. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** One call for each connection that was asked for. */
  readonly log: (entry: EgressEntry) => void;
}

const headerBytes = 16 * 1024;
const headersWithinMs = 10_000;
/** An upload or a long answer moves meanwhile; this bounds silence alone. */
const idleMs = 5 * 60_000;
const connectWithinMs = 10_000;
const mostConnections = 512;
/** A name may have many addresses; trying each would hold the caller for minutes. */
const triedAddresses = 3;

/** A connection that is not made, with the status for the one who asked. Its message is one sentence. */
class NotOpened extends Error {
  readonly status: 400 | 403 | 502;
  constructor(status: 400 | 403 | 502, message: string) {
    super(message);
    this.status = status;
  }
}

const resolveBySystem = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

async function connectTo(address: string, port: number): Promise<net.Socket> {
  const socket = net.connect({ host: address, port, noDelay: true });
  socket.setTimeout(connectWithinMs, () => socket.destroy(new Error("it does not answer")));
  await once(socket, "connect");
  socket.removeAllListeners("timeout");
  socket.setTimeout(idleMs, () => socket.destroy());
  return socket;
}

type Opened = { socket: net.Socket; address: string };

function opener({ allow, origin, resolve = resolveBySystem, log }: EgressOptions) {
  const rules = egressRules(allow, origin);

  const addresses = async (target: Target): Promise<readonly string[]> => {
    const refusal = refusalOf(rules, target);
    if (refusal !== undefined) throw new NotOpened(403, refusal);
    try {
      const found = await addressesOf(rules, target, resolve);
      if (found.length > 0) return found.slice(0, triedAddresses);
    } catch (cause) {
      throw new NotOpened(502, `its name could not be looked up (${message(cause)}); try again later`);
    }
    throw new NotOpened(403, "it has no public address, and private ones are closed to sandboxes; use a public host");
  };

  const open = async (target: Target): Promise<Opened> => {
    let last: unknown;
    for (const address of await addresses(target)) {
      try {
        return { socket: await connectTo(address, target.port), address };
      } catch (error) {
        last = error;
      }
    }
    throw new NotOpened(502, `it could not be reached (${message(last)}); try again later`);
  };

  /** Throws `NotOpened`. */
  return async (target: Target): Promise<net.Socket> => {
    const { host, port } = target;
    try {
      const { socket, address } = await open(target);
      log({ outcome: "opened", host, port, address, because: "" });
      return socket;
    } catch (error) {
      if (!(error instanceof NotOpened)) throw error;
      const outcome = error.status === 403 ? "refused" : "unreachable";
      log({ outcome, host, port, address: "", because: error.message });
      throw new NotOpened(error.status, `Parhelia opens no connection to ${host}: ${error.message}.`);
    }
  };
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const malformed = new NotOpened(400, "This proxy takes CONNECT host:port and absolute http:// addresses only.");

const asNotOpened = (error: unknown): NotOpened =>
  error instanceof NotOpened ? error : new NotOpened(502, "The proxy of Parhelia failed; try again later.");

/** Of the connection and not of the message. */
const hopByHop =
  "connection expect host keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade".split(
    " ",
  );

function endToEnd(headers: NodeJS.Dict<string[]>): Record<string, string[]> {
  const connection = (headers["connection"] ?? []).join(",").toLowerCase();
  const dropped = new Set([...hopByHop, ...connection.split(/[\s,]+/)]);
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, values]) =>
      values === undefined || dropped.has(name) ? [] : [[name, values]],
    ),
  );
}

type Open = (target: Target) => Promise<net.Socket>;

async function forward(open: Open, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const target = targetOfAbsolute(request.url ?? "");
  if (target === undefined) throw malformed;
  const socket = await open(target);
  // Who asked may be gone, and no event of theirs would end this connection any more.
  if (request.socket.destroyed) return void socket.destroy();
  const { host, port, path } = target;
  const name = host.includes(":") ? `[${host}]` : host;
  const upstream = http.request({
    createConnection: () => socket,
    method: request.method ?? "GET",
    path,
    // Our own Host: another would reach a site that is not listed.
    headers: {
      ...endToEnd(request.headersDistinct),
      host: port === 80 ? name : `${name}:${port}`,
      connection: "close",
      // Without it the body of a GET would go out unframed, as a second request of the sandbox's own making.
      ...(request.headers["transfer-encoding"] === undefined ? {} : { "transfer-encoding": "chunked" }),
    },
  });
  const breaks = (error: unknown): void => {
    if (response.headersSent) response.destroy();
    else refuse(response, new NotOpened(502, `${host} broke the connection (${message(error)}); try again later.`));
  };
  upstream.on("response", (answer) => {
    try {
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headersDistinct));
    } catch (error) {
      // Reading is laxer than writing: a status of 099 would end the whole service here.
      answer.destroy();
      return breaks(error);
    }
    pipeline(answer, response, () => socket.destroy());
  });
  upstream.on("error", breaks);
  // A switch of protocols ends it without an error, and who asked would wait for ever.
  upstream.on("close", () => !response.headersSent && breaks(new Error("it gave no answer")));
  response.on("close", () => socket.destroy());
  request.pipe(upstream);
}

function refuse(response: http.ServerResponse, { status, message }: NotOpened): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" });
  response.end(`${message}\n`);
}

async function tunnel(open: Open, authority: string, client: Duplex, head: Buffer): Promise<void> {
  const target = targetOfConnect(authority);
  if (target === undefined) throw malformed;
  const upstream = await open(target);
  if (client.destroyed) {
    upstream.destroy();
    return;
  }
  client.write("HTTP/1.1 200 Connection established\r\n\r\n");
  upstream.write(head);
  pipeline(client, upstream, client, () => {
    client.destroy();
    upstream.destroy();
  });
}

function refuseTunnel(client: Duplex, { status, message }: NotOpened): void {
  const body = `${message}\n`;
  client.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/**
 * Redirects are handed on, never followed. Throws for an entry of `allow` that is no host.
 * `close` ends all connections and removes the socket.
 */
export async function openEgress(options: EgressOptions): Promise<{ close(): Promise<void> }> {
  const open = opener(options);
  const server = http.createServer({ maxHeaderSize: headerBytes, headersTimeout: headersWithinMs, requestTimeout: 0 });
  server.maxConnections = mostConnections;
  server.timeout = idleMs;
  const clients = new Set<net.Socket>();
  server.on("connection", (client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
  });
  server.on("request", (request, response) => {
    forward(open, request, response).catch((error: unknown) => refuse(response, asNotOpened(error)));
  });
  server.on("connect", (request, client, head) => {
    // A tunnel that breaks is closed at both ends; nobody is left to be told.
    client.on("error", () => client.destroy());
    tunnel(open, request.url ?? "", client, head).catch((error: unknown) => refuseTunnel(client, asNotOpened(error)));
  });
  rmSync(options.socketPath, { force: true });
  await once(server.listen(options.socketPath), "listening");
  chmodSync(options.socketPath, 0o666);
  return {
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const client of clients) client.destroy();
      await closed;
    },
  };
}
