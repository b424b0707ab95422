/** The proxy of the local sandboxes, asked and answered by hostile ends. */
import * as net from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { listen, openOrigin, openProxy } from "./proxy.ts";

test("an allowed host that answers nonsense breaks its own connection and nothing else", async () => {
  const answers = [
    "HTTP/1.1 099 No\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 000 No\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nx: \u0001\u007f\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    `HTTP/1.1 200 OK\r\nx: ${"y".repeat(100_000)}\r\n\r\n`,
    "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000),
    "nonsense",
    "",
  ];
  let answer = "";
  const port = await listen(
    net.createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(answer, "latin1"));
    }),
  );
  const { socketPath } = await openProxy({ origin: `http://github.localhost:${port}` });
  const ask = async (): Promise<string> => {
    const client = net.connect(socketPath).on("error", () => undefined);
    client.write(`GET http://github.localhost:${port}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    return text(client).catch(String);
  };
  for (answer of answers) expect(await ask(), answer.slice(0, 50)).toMatch(/^(HTTP\/1\.1 (502|200) |$)/);
  answer = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nreached";
  expect(await ask()).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*reached$/);
});

test("this machine and its network are closed in every way to write them", async () => {
  const { port } = await openOrigin();
  const { socketPath, entries } = await openProxy({
    allow: [
      "127.0.0.1",
      "::1",
      "169.254.169.254",
      "10.0.0.1",
      "0.0.0.0",
      "::ffff:7f00:1",
      "64:ff9b::7f00:1",
      "64:ff9b:1::7f00:1",
      "2002:7f00:1::",
      "fe80::1",
      "fd00:ec2::254",
      "::",
      "::127.0.0.1",
      "localhost",
    ],
    origin: `http://github.localhost:${port}`,
    resolve: async () => ["127.0.0.1"],
  });
  const forms = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "017700000001",
    "127.0.0.1.",
    "１２７.0.0.1",
    "①②⑦.0.0.1",
    "127。0。0。1",
    "%31%32%37.0.0.1",
    "0",
    "0.0.0.0",
    "10.1",
    "169.254.43518",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::FFFF:7F00:0001]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[::]",
    "[fd00:ec2::254]",
    "[fe80::1%25lo]",
    "localhost",
    "LOCALHOST.",
    "x.localhost",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "localhost:80@127.0.0.1",
  ];
  const say = async (words: string): Promise<string> => {
    const client = net.connect(socketPath).on("error", () => undefined);
    client.write(words);
    return text(client);
  };
  for (const host of forms) {
    for (const at of ["", ":80", `:${port}`])
      expect(await say(`GET http://${host}${at}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`), host + at).toMatch(
        /^HTTP\/1\.1 (400|403) /,
      );
    for (const at of [443, 80, 22, port])
      expect(await say(`CONNECT ${host}:${at} HTTP/1.1\r\nHost: x\r\n\r\n`), host).toMatch(/^HTTP\/1\.1 (400|403) /);
  }
  expect(entries.filter(({ outcome }) => outcome !== "refused")).toEqual([]);
});

test("two messages in one are never passed on as one", async () => {
  const seen: string[] = [];
  const port = await listen(
    net.createServer((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        seen.push(String(data));
        if (String(data).includes("\r\n\r\n")) socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      });
    }),
  );
  const { socketPath, entries } = await openProxy({ origin: `http://github.localhost:${port}` });
  const target = `http://github.localhost:${port}`;
  const second = "GET http://127.0.0.1/second HTTP/1.1\r\nHost: x\r\n\r\n";
  const say = async (words: string): Promise<string> => {
    const client = net.connect(socketPath).on("error", () => undefined);
    client.write(words, "latin1");
    return text(client);
  };
  const refused = [
    `POST ${target}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${second}`,
    `POST ${target}/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 50\r\n\r\n${second}`,
    `POST ${target}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n${second}`,
    `POST ${target}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n${second}`,
    `GET ${target}/ HTTP/1.1\r\nHost: x\r\nx: a\nInjected: b\r\n\r\n`,
    `GET ${target}/ HTTP/1.1\r\nHost: x\r\nHost: y\r\nx:\u0000\r\n\r\n`,
  ];
  for (const words of refused) {
    expect(await say(words), words).toMatch(/^HTTP\/1\.1 400 /);
  }
  expect(seen).toEqual([]);
  // Some were seen to be wrong while the connection was made; nothing went through it.
  entries.splice(0);
  // A second request on the connection is judged for itself.
  expect(await say(`GET ${target}/first HTTP/1.1\r\nHost: x\r\n\r\n${second}`)).toMatch(
    /^HTTP\/1\.1 200 [\s\S]*HTTP\/1\.1 403 /,
  );
  expect(entries.map(({ host, outcome }) => `${host} ${outcome}`).toSorted()).toEqual([
    "127.0.0.1 refused",
    "github.localhost opened",
  ]);
  expect(seen.join("")).not.toContain("second");
});
