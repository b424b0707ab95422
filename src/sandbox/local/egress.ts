/**
 * The one way from a jail to the network: an HTTP proxy on a unix socket that lets through listed hosts only. It looks
 * a name up once and connects to the address that it judged, so that a name cannot mean another address a moment later.
 */
import { chmodSync, rmSync } from "node:fs";
import { once } from "node:events";
import * as http from "node:http";
import type * as net from "node:net";
import { type Duplex, pipeline } from "node:stream";
import { idleMs, message, NotOpened, opener, type OpenTarget, type WayOut } from "./egress-connect.ts";
import { targetOfAbsolute, targetOfConnect } from "./egress-target.ts";

export interface EgressOptions extends WayOut {
  /** Made anew with mode 0666: the users of the jails connect to it. Its directory keeps others out. */
  readonly socketPath: string;
  /** The most connections at one time; more are closed at once. */
  readonly connections: number;
}

const headerBytes = 16 * 1024;
const headersWithinMs = 10_000;
/** Node's own 30 s would let half a request stay four times as long as it may. */
const checkEveryMs = 5000;

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

async function forward(open: OpenTarget, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
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

async function tunnel(open: OpenTarget, authority: string, client: Duplex, head: Buffer): Promise<void> {
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
  const server = http.createServer({
    maxHeaderSize: headerBytes,
    headersTimeout: headersWithinMs,
    requestTimeout: 0,
    connectionsCheckingInterval: checkEveryMs,
  });
  server.maxConnections = options.connections;
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
