/** How the proxy of the local sandboxes carries what it lets through. */
import { once } from "node:events";
import { statSync } from "node:fs";
import * as net from "node:net";
import { expect, test } from "vitest";
import { listen, openOrigin, openProxy, refused } from "./proxy.ts";

test("the origin is reached in absolute form, on the machine itself only because it is the origin", async () => {
  const { port, origin } = await openOrigin();
  const { ask, entries } = await openProxy({ origin });
  const got = await ask(`${origin}/acme/widgets.git?x=1`);
  expect(got).toMatchObject({ status: 200, body: "GET /acme/widgets.git?x=1 " });
  expect(await ask(`${origin}/post`, { method: "POST" }, "body")).toMatchObject({ body: "POST /post body" });
  expect(entries).toEqual(
    [1, 2].map(() => ({ outcome: "opened", host: "github.localhost", port, address: "127.0.0.1", because: "" })),
  );
});

test("the other end sees the Host of the address and nothing that was meant for the proxy", async () => {
  const { port, origin } = await openOrigin();
  const { ask } = await openProxy({ origin });
  const headers = {
    host: "other.example",
    "proxy-authorization": "Basic x",
    connection: "x-secret",
    "x-secret": "1",
    accept: "a",
  };
  const got = await ask(`${origin}/`, { headers });
  expect(JSON.parse(String(got.headers["x-seen"]))).toEqual({
    host: `github.localhost:${port}`,
    accept: "a",
    connection: "close",
  });
});

test("the body of a GET cannot become a second request", async () => {
  const { origin } = await openOrigin();
  const { ask } = await openProxy({ origin });
  const smuggled = "GET /second HTTP/1.1\r\nHost: other.example\r\n\r\n";
  const got = await ask(`${origin}/first`, { headers: { "transfer-encoding": "chunked" } }, smuggled);
  expect(got.body).toBe(`GET /first ${smuggled}`);
});

test("a redirect is handed on, not followed", async () => {
  const { origin } = await openOrigin((_, response) =>
    response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
  );
  const { ask } = await openProxy({ origin });
  expect(await ask(`${origin}/`)).toMatchObject({ status: 302, headers: { location: "http://127.0.0.1:1/" } });
});

test("CONNECT tunnels bytes both ways to an https origin", async () => {
  const port = await listen(
    net.createServer((socket) => socket.once("data", (data) => socket.end(`heard ${String(data)}`))),
  );
  const { connect, ask } = await openProxy({ origin: `https://github.localhost:${port}` });
  expect(await connect(`GitHub.localhost:${port}`, "hello")).toBe(
    "HTTP/1.1 200 Connection established\r\n\r\nheard hello",
  );
  expect(await ask(`http://github.localhost:${port}/`)).toMatchObject(
    refused(
      403,
      "github.localhost",
      /only port \d+ of it is open, by https; use the address https:\/\/github\.localhost:\d+/,
    ),
  );
});

test("a name is looked up once, and the connection goes where that said", async () => {
  const { port } = await openOrigin();
  const answers = [["127.0.0.1"], ["127.0.0.2"]];
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    return answers.shift() ?? [];
  };
  const { ask, entries } = await openProxy({ origin: `http://ghes.example:${port}`, resolve });
  expect(await ask(`http://ghes.example:${port}/`)).toMatchObject({ status: 200 });
  expect(asked).toEqual(["ghes.example"]);
  expect(entries[0]?.address).toBe("127.0.0.1");
});

test("what is no request to a proxy is told so", async () => {
  const { ask, connect, entries } = await openProxy();
  for (const path of ["/", "https://github.example/", "ftp://x/", "http://user:pw@github.example/"]) {
    expect(await ask(path)).toMatchObject({ status: 400, body: expect.stringContaining("takes CONNECT host:port") });
  }
  for (const authority of ["github.example", "github.example:99999", "a@github.example:443", "x/y:443"]) {
    expect(await connect(authority)).toMatch(/^HTTP\/1\.1 400 /);
  }
  expect(entries).toEqual([]);
});

test("a header above the bound is not read", async () => {
  const { ask } = await openProxy();
  expect((await ask("http://github.example/", { headers: { x: "y".repeat(20_000) } })).status).toBe(431);
});

test("what listens at no address is told as unreachable", async () => {
  const { port } = await openOrigin();
  const closed = await openProxy({ origin: `http://ghes.example:${port}`, resolve: async () => ["127.0.0.2"] });
  expect(await closed.ask(`http://ghes.example:${port}/`)).toMatchObject(
    refused(502, "ghes.example", /it could not be reached \(connect ECONNREFUSED .*\); try again later/),
  );
  expect(closed.entries).toMatchObject([{ outcome: "unreachable" }]);
});

test("who leaves before the connection stands leaves none behind", async () => {
  const server = net.createServer();
  const port = await listen(server);
  const { promise: found, resolve: find } = Promise.withResolvers<string[]>();
  const { promise: looked, resolve: look } = Promise.withResolvers<void>();
  const resolve = (): Promise<string[]> => {
    look();
    return found;
  };
  const { ask, socketPath } = await openProxy({ origin: `http://git.example:${port}`, resolve });
  const client = net.connect(socketPath);
  client.write(`GET http://git.example:${port}/ HTTP/1.1\r\nHost: git.example\r\n\r\n`);
  await looked;
  client.destroy();
  await once(client, "close");
  // Behind it, so that the proxy has heard of both.
  expect(await ask("http://other.example/")).toMatchObject({ status: 403 });
  find(["127.0.0.1"]);
  const [upstream]: net.Socket[] = await once(server, "connection");
  upstream?.resume();
  if (upstream?.closed === false) await once(upstream, "close");
  expect(upstream?.closed).toBe(true);
});

test("every user of the machine that reaches its directory may connect, and closing ends what is open", async () => {
  const port = await listen(net.createServer((socket) => socket.on("error", () => undefined)));
  const { egress, socketPath } = await openProxy({ origin: `https://github.localhost:${port}` });
  expect(statSync(socketPath).mode & 0o777).toBe(0o666);
  const socket = net.connect(socketPath);
  socket.write(`CONNECT github.localhost:${port} HTTP/1.1\r\n\r\n`);
  await once(socket, "data");
  const closed = once(socket, "close");
  await egress.close();
  await closed;
  expect(statSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
});
