/**
 * The agent's way out of the sandbox: a loopback HTTP server that forwards to the gateway and adds the attempt's
 * token, so that the token is in no environment and no argv; and a loopback port in front of the network's proxy,
 * because no program in here can speak HTTP to a proxy on a unix socket.
 */
import * as http from "node:http";
import * as net from "node:net";
import { pipeline } from "node:stream";
import type { Gateway } from "./gateway.ts";
import { only } from "./json.ts";

export type Bridge = {
  /** `http://127.0.0.1:<port>` */
  address: string;
  /** The address of the network's proxy, or undefined where the sandbox has its own way out. */
  proxy: string | undefined;
  close(): void;
};

/** Of the connection and not of the message, or ours to set. */
const notForwarded = new Set(
  "authorization connection cookie host keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade x-api-key".split(
    " ",
  ),
);

const forwarded = (headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders =>
  only(headers, (name) => !notForwarded.has(name));

/** The path at the gateway, or undefined for what the bridge does not carry. */
export function gatewayPath(method: string, target: string): string | undefined {
  // Resolves `..` first, so that a path cannot leave its prefix.
  const { pathname = "", search = "" } = URL.parse(target, "http://bridge") ?? {};
  if (pathname.startsWith("/v1/") || (pathname === "/" && method === "HEAD")) return pathname + search;
  if (pathname.startsWith("/git/")) return `/gateway${pathname}${search}`;
  return pathname === "/credential" && method === "GET" ? "/gateway/repository-token" : undefined;
}

/** A browser beside an unjailed runner could be led here by a page: it names itself by an Origin or by a foreign Host. */
const fromBrowser = ({ headers }: http.IncomingMessage): boolean =>
  headers.origin !== undefined || !/^(127\.0\.0\.1|localhost):\d+$/.test(headers.host ?? "");

function refuse(response: http.ServerResponse, status: number, message: string): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(status, { "content-type": "text/plain" }).end(message);
}

function forward(gateway: Gateway, request: http.IncomingMessage, response: http.ServerResponse): void {
  const method = request.method ?? "GET";
  const path = gatewayPath(method, request.url ?? "");
  if (path === undefined || fromBrowser(request)) return refuse(response, 404, "not carried by this bridge");
  const upstream = gateway.open(method, path, forwarded(request.headers));
  upstream.on("error", () => refuse(response, 502, "the Parhelia service does not answer"));
  upstream.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, forwarded(answer.headers));
    response.flushHeaders();
    // Ends both sides when either breaks; the caller sees a broken answer as a broken connection.
    pipeline(answer, response, () => upstream.destroy());
  });
  response.on("close", () => upstream.destroy());
  request.pipe(upstream);
}

function pipeTo(path: string, client: net.Socket): void {
  const upstream = net.connect(path);
  pipeline(client, upstream, client, () => {
    client.destroy();
    upstream.destroy();
  });
}

async function listen(server: net.Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  return `http://127.0.0.1:${address instanceof Object ? address.port : 0}`;
}

/** `proxyAddress` is `unix:<path>` of an HTTP forward proxy. */
export async function openBridge(gateway: Gateway, proxyAddress: string | undefined): Promise<Bridge> {
  const server = http.createServer((request, response) => forward(gateway, request, response));
  const path = proxyAddress?.replace(/^unix:/, "");
  const relay = path === undefined ? undefined : net.createServer((client) => pipeTo(path, client));
  return {
    address: await listen(server),
    proxy: relay && (await listen(relay)),
    close: () => {
      server.close();
      server.closeAllConnections();
      relay?.close();
    },
  };
}
