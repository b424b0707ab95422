/** A sandbox that takes all the connections it can get, beside one that needs only one of each kind. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import { listen } from "../../src/gateway/listen.ts";
import { connectionsPerSandbox, type OpenDoor } from "../../src/sandbox/local/doors.ts";
import { openEgress } from "../../src/sandbox/local/egress.ts";
import { openLocalSandboxes } from "../../src/sandbox/local/open-local-sandboxes.ts";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";
import { name } from "./post.ts";
import { openOrigin } from "./proxy.ts";

const withinMs = 20_000;

/** Of this process, which holds the doors of all sandboxes. */
const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** Holds tunnels by the one socket and half a request by the other, and opens new ones for those that are closed. */
const crowd = (authority: string): string => `
const net = require("node:net");
const words = {
  gateway: "POST /said HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 9\\r\\n\\r\\n1",
  proxy: "CONNECT ${authority} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n",
};
const hold = (door) => {
  const socket = net.connect("/run/parhelia/" + door + ".sock", () => socket.write(words[door]));
  socket.on("error", () => {}).on("close", () => setTimeout(hold, 50, door));
};
for (let n = 0; n < 600; n += 1) for (const door of ["gateway", "proxy"]) hold(door);`;

/** Fetches by the proxy and tells the gateway what it got. */
const neighbour = (url: string): string => `
const http = require("node:http");
http.get({ socketPath: "/run/parhelia/proxy.sock", path: "${url}", agent: false }, (answer) => {
  const said = http.request({ socketPath: "/run/parhelia/gateway.sock", method: "POST", path: "/said", agent: false });
  said.end(String(answer.statusCode));
});`;

test.skipIf(!needs("bwrap"))(
  "a sandbox that holds all connections it can get takes none from its neighbour",
  { timeout: 60_000 },
  async () => {
    const root = mkdtempSync(join(tmpdir(), "parhelia-"));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    const { port, origin } = await openOrigin();
    const said: string[] = [];
    const gateway = new Hono().post("/said", async (context) => {
      said.push(await context.req.text());
      return context.body(null, 204);
    });
    // A body that breaks off.
    gateway.onError((_, context) => context.body(null, 400));
    const open: OpenDoor = async ({ directory, connections }) => {
      const inside = await listen(gateway, { socket: join(directory, "gateway.sock"), mode: 0o666, connections });
      const egress = await openEgress({
        socketPath: join(directory, "proxy.sock"),
        connections,
        allow: [],
        origin: origin.replace("http:", "https:"),
        log: () => undefined,
      });
      return {
        async close() {
          await inside.close();
          await egress.close();
        },
      };
    };
    const sandboxes = await openLocalSandboxes({
      isolation: "bubblewrap",
      socketDirectory: join(root, "sockets"),
      stateDirectory: join(root, "state"),
      node: process.execPath,
      readOnly: [],
      slots: 2,
      clock: { now: () => Instant.parse(1_000_000) },
      limits: { workspaceMiB: 16, homeMiB: 16, tmpMiB: 16, pids: 64 },
    });
    const door = await sandboxes.serve(open);
    onTestFinished(async () => {
      for (const n of [1, 2]) await sandboxes.end(name(n));
      await door.close();
    });
    const run = (n: number, code: string) =>
      sandboxes.create({
        name: name(n),
        command: ["node", "-e", code],
        env: {},
        resources: { cpu: 1, memoryMiB: 256 },
        lifetimeMs: 60_000,
      });

    const before = descriptors();
    await run(1, crowd(`github.localhost:${port}`));
    // Both sockets' own, and for each tunnel the way to the origin and the origin's end, which is in this process too.
    const held = 4 * connectionsPerSandbox;
    await eventually(() => descriptors() - before >= held, { withinMs });
    await run(2, neighbour(`http://github.localhost:${port}/`));
    expect(await eventually(() => said.shift(), { withinMs })).toBe("403");
    // Some more for the sockets that listen, and for what is refused and not yet closed.
    expect(descriptors() - before).toBeLessThan(held + 50);
    await sandboxes.end(name(1));
    await eventually(() => descriptors() - before < 50, { withinMs });
  },
);
