import { mkdtempSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { gatewayPath, openBridge } from "../../src/runner/bridge.ts";
import { childEnvironment } from "../../src/runner/environment.ts";
import { connect } from "../../src/runner/gateway.ts";
import {
  attemptToken,
  jobOf,
  openGatewayStandIn,
  repositoryPassword,
  type GatewayOptions,
} from "../world/gateway-stand-in.ts";

const job = jobOf({ work: { kind: "command", argv: ["true"] }, source: { url: null, sha: "", ref: "" } });

async function openBoth(options: Partial<GatewayOptions> = {}, proxy?: string) {
  const gateway = await openGatewayStandIn({ job, ...options });
  const bridge = await openBridge(connect(gateway.address, attemptToken), proxy);
  onTestFinished(() => {
    bridge.close();
    gateway.close();
  });
  return { gateway, bridge };
}

/** A request whose headers can be set freely, which `fetch` does not allow. */
const ask = (address: string, path: string, headers: Record<string, string>, method = "GET") =>
  new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const request = http.request(address + path, { method, headers }, (response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("end", () => resolve({ status: response.statusCode, body }));
    });
    request.on("error", reject);
    request.end();
  });

test("what the bridge carries, and where to", () => {
  const carried: [string, string, string | undefined][] = [
    ["POST", "/v1/messages?beta=true", "/v1/messages?beta=true"],
    ["HEAD", "/", "/"],
    ["GET", "/", undefined],
    ["GET", "/git/info/refs?service=git-upload-pack", "/gateway/git/info/refs?service=git-upload-pack"],
    ["GET", "/credential", "/gateway/repository-token"],
    ["POST", "/credential", undefined],
    ["POST", "/gateway/result", undefined],
    ["POST", "/v1/../gateway/result", undefined],
    ["POST", "/v1/%2e%2e/gateway/result", undefined],
    ["GET", "/git/../../gateway/job", undefined],
    ["GET", "//host/v1/x", "/v1/x"],
    ["GET", "/v1", undefined],
  ];
  expect(carried.map(([method, target]) => [method, target, gatewayPath(method, target)])).toEqual(carried);
});

test("the caller's own credentials are replaced by the attempt's token, and nothing else", async () => {
  const { gateway, bridge } = await openBoth({
    model: (asked, response) => {
      response.writeHead(402, { "content-type": "application/json", "x-should-retry": "false" });
      response.end(asked.body);
    },
  });
  const answer = await fetch(`${bridge.address}/v1/messages?beta=true`, {
    method: "POST",
    headers: { "x-api-key": "placeholder", "anthropic-version": "2023-06-01" },
    body: "日本",
  });
  expect(answer.status).toBe(402);
  expect(answer.headers.get("x-should-retry")).toBe("false");
  expect(await answer.text()).toBe("日本");
  const headers = gateway.requests[0]?.headers;
  expect(headers).toMatchObject({ authorization: `Bearer ${attemptToken}`, "anthropic-version": "2023-06-01" });
  expect(headers).not.toHaveProperty("x-api-key");
});

test("an answer streams: what was sent is there before the rest is", async () => {
  const second = Promise.withResolvers<void>();
  const { bridge } = await openBoth({
    model: (_, response) => {
      response.write("first");
      void second.promise.then(() => response.end("second"));
    },
  });
  const answer = await fetch(`${bridge.address}/v1/messages`, { method: "POST", body: "{}" });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe("first");
  second.resolve();
  expect((await reader?.read())?.value).toBe("second");
});

test("an answer that breaks off is a broken connection, not a short answer", async () => {
  const { bridge } = await openBoth({
    model: (_, response) => response.write("half", () => response.destroy()),
  });
  const answer = await fetch(`${bridge.address}/v1/messages`, { method: "POST", body: "{}" });
  await expect(answer.text()).rejects.toThrow("terminated");
});

test("a service that is away is 502", async () => {
  const { gateway, bridge } = await openBoth();
  gateway.close();
  expect((await fetch(`${bridge.address}/v1/messages`, { method: "POST", body: "{}" })).status).toBe(502);
});

test("a caller that goes away takes its call with it", async () => {
  const gone = Promise.withResolvers<void>();
  const { bridge } = await openBoth({
    model: (_, response) => {
      response.on("close", gone.resolve);
      response.write("first");
    },
  });
  const caller = new AbortController();
  const answer = await fetch(`${bridge.address}/v1/messages`, { method: "POST", body: "{}", signal: caller.signal });
  caller.abort();
  await expect(answer.text()).rejects.toThrow("aborted");
  await gone.promise;
});

test("a page in a browser cannot use the bridge", async () => {
  const { gateway, bridge } = await openBoth();
  for (const headers of [{ origin: "https://evil.example" }, { host: "evil.example" }]) {
    expect(await ask(bridge.address, "/credential", headers)).toMatchObject({ status: 404 });
  }
  expect(gateway.requests).toEqual([]);
  expect((await ask(bridge.address, "/credential", {})).body).toContain(repositoryPassword);
});

/** A forward proxy on a unix socket that answers in plain words what it was asked. */
async function openProxy(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "proxy-"));
  const server = http.createServer((request, response) => response.end(`${request.method} ${request.url}`));
  server.on("connect", (request, socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\ntunnel to ${request.url}`));
  await new Promise<void>((resolve) => server.listen(join(directory, "s"), resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
    rmSync(directory, { recursive: true });
  });
  return `unix:${join(directory, "s")}`;
}

test("the network's proxy is reached by CONNECT and in absolute form", async () => {
  const { bridge } = await openBoth({}, await openProxy());
  const { hostname, port } = new URL(bridge.proxy ?? "");
  const answerTo = (text: string) =>
    new Promise<string>((resolve, reject) => {
      let answer = "";
      const socket = net.connect({ host: hostname, port: Number(port) }, () => socket.write(text));
      socket.on("data", (chunk) => (answer += chunk.toString()));
      socket.on("end", () => resolve(answer));
      socket.on("error", reject);
    });
  expect(await answerTo("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n")).toContain(
    "tunnel to example.com:443",
  );
  const plain = "GET http://example.com/x HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n";
  expect(await answerTo(plain)).toContain("GET http://example.com/x");
});

test("a proxy that is away closes the connection", async () => {
  const { bridge } = await openBoth({}, "unix:/no/such/socket");
  await expect(fetch(bridge.proxy ?? "")).rejects.toThrow("fetch failed");
});

test("children are shown the bridge, and nothing of the runner's own", () => {
  const own = {
    PATH: "/bin",
    HOME: "/root",
    PARHELIA_GATEWAY: "unix:/s",
    PARHELIA_TOKEN: "t",
    PARHELIA_SANDBOX: "/s",
    NO_PROXY: "x",
    EMPTY: undefined,
  };
  const ways = { attempt: "t_0badc0de-1", home: "/h", bridge: "http://127.0.0.1:1", proxy: "http://127.0.0.1:2" };
  expect(childEnvironment(own, ways)).toEqual({
    PATH: "/bin",
    HOME: "/h",
    HTTP_PROXY: ways.proxy,
    HTTPS_PROXY: ways.proxy,
    http_proxy: ways.proxy,
    https_proxy: ways.proxy,
    NODE_USE_ENV_PROXY: "1",
    NO_PROXY: "127.0.0.1,localhost",
    no_proxy: "127.0.0.1,localhost",
    ANTHROPIC_BASE_URL: ways.bridge,
    ANTHROPIC_API_KEY: expect.stringContaining("placeholder"),
    PARHELIA_WORK_OF: ways.attempt,
    PARHELIA_SANDBOX: "/s",
  });
  expect(childEnvironment(own, { ...ways, proxy: undefined })).not.toHaveProperty("HTTPS_PROXY");
});
