/** A proxy of the local sandboxes and a GitHub behind it, for tests. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished } from "vitest";
import type { EgressEntry } from "../../src/sandbox/local/egress-connect.ts";
import { openEgress, type EgressOptions } from "../../src/sandbox/local/egress.ts";

export async function listen(server: net.Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  return address instanceof Object ? address.port : 0;
}

export async function openProxy(options: Partial<EgressOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-egress-"));
  const socketPath = join(directory, "proxy.sock");
  const entries: EgressEntry[] = [];
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const egress = await openEgress({
    socketPath,
    connections: 128,
    allow: [],
    origin: "https://github.example",
    resolve: async () => [],
    log: (entry) => entries.push(entry),
    ...options,
  });
  onTestFinished(() => egress.close());

  /** An HTTP request by its target as it stands in the request line. */
  const ask = async (path: string, more: http.RequestOptions = {}, body?: string) => {
    const request = http.request({ socketPath, path, agent: false, ...more });
    request.end(body);
    const [answer]: http.IncomingMessage[] = await once(request, "response");
    if (answer === undefined) throw new Error("no answer");
    return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
  };
  /** CONNECT, then what is said inside. */
  const connect = async (authority: string, say = "") => {
    const socket = net.connect(socketPath);
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n${say}`);
    return text(socket);
  };
  return { ask, connect, entries, egress, socketPath };
}

/** A GitHub on this machine that says what it was asked. */
export async function openOrigin(answer?: http.RequestListener) {
  const port = await listen(
    http.createServer(
      answer ??
        (async (request, response) => {
          response.setHeader("x-seen", JSON.stringify(request.headers));
          response.end(`${request.method} ${request.url} ${await text(request)}`);
        }),
    ),
  );
  return { port, origin: `http://github.localhost:${port}` };
}

/** What the answer to a refused request matches. */
export const refused = (status: number, host: string, why: RegExp) => ({
  status,
  body: expect.stringMatching(
    new RegExp(`^Parhelia opens no connection to ${host.replaceAll(".", "\\.")}: ${why.source}\\.\n$`),
  ),
});
