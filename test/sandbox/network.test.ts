/** A jail is held to the network that the settings of its repository leave, in this life of the service and in the next. */
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Network } from "../../src/core/network.ts";
import { openEgress } from "../../src/sandbox/local/egress.ts";
import { openLocalSandboxes } from "../../src/sandbox/local/open-local-sandboxes.ts";
import { needs } from "../world/needs.ts";
import { doorTo } from "./door-to.ts";
import { name, openPost, type Post } from "./post.ts";
import { openOrigin } from "./proxy.ts";

const none: Network = { reaches: "none", hosts: [] };

async function open(here: Post, origin: string) {
  const sandboxes = await openLocalSandboxes({ ...here.options, slots: 1 });
  const door = await sandboxes.serve(async (at) => {
    const gateway = await doorTo(here.socket)(at);
    const egress = await openEgress({
      socketPath: join(at.directory, "proxy.sock"),
      connections: at.connections,
      allow: ["a.example", "b.example"],
      origin,
      held: at.network,
      resolve: async () => [],
      log: () => undefined,
    });
    return { close: async () => void (await Promise.all([gateway.close(), egress.close()])) };
  });
  onTestFinished(async () => {
    await sandboxes.end(name(1));
    await door.close();
  });
  return { sandboxes, door };
}

/** Asks the proxy for each address, each time it is told to, and says what came of it. */
const asks = (addresses: readonly string[]) => `
node -e '
const http = require("http");
const ask = (path) => new Promise((resolve) => http.get({ socketPath: "/run/parhelia/proxy.sock", path, agent: false }, (answer) => {
  let text = ""; answer.on("data", (part) => (text += part)); answer.on("end", () => resolve(answer.statusCode + " " + text));
}).on("error", (error) => resolve(String(error))));
(async () => { for (const path of ${JSON.stringify(addresses)}) console.log(await ask(path)); })();
' 2>&1 | say`;

describe.skipIf(!needs("bwrap"))("a jail", { timeout: 60_000 }, () => {
  test("reaches what its repository's settings leave, and the next one in its place what its own leave", async () => {
    const here = await openPost("bubblewrap");
    const { origin } = await openOrigin((_, response) => response.end("from GitHub"));
    const { sandboxes } = await open(here, origin);
    const seen = async (network: Network | undefined): Promise<string[]> => {
      const script = asks([`${origin}/`, "http://a.example/", "http://b.example/"]);
      await sandboxes.create(here.spec(1, script, { network }));
      const said = await here.heard();
      await sandboxes.end(name(1));
      return said
        .trim()
        .split("\n")
        .filter((line) => line !== "");
    };
    const closed = (why: RegExp) => expect.stringMatching(new RegExp(`^403 .*${why.source}`));
    const unknown = expect.stringMatching(/^403 .*no public address/);
    const nothing = closed(/leave its sandboxes the service alone/);
    expect(await seen(undefined)).toEqual(["200 from GitHub", unknown, unknown]);
    expect(await seen(none)).toEqual([nothing, nothing, nothing]);
    const list: Network = { reaches: "list", hosts: ["a.example", "elsewhere.example"] };
    expect(await seen(list)).toEqual(["200 from GitHub", unknown, closed(/not among the allowed hosts/)]);
    expect(await seen(undefined)).toEqual(["200 from GitHub", unknown, unknown]);
  });

  test("is held to it by the next life of the service as well, and cannot change it", async () => {
    const here = await openPost("bubblewrap");
    const { origin } = await openOrigin((_, response) => response.end("from GitHub"));
    const first = await open(here, origin);
    const change = `for file in /run/parhelia/network.json; do rm -f $file; echo "{}" > $file; done`;
    const script = `${change}; echo up | say; while [ -S /run/parhelia/proxy.sock ]; do sleep 0.05; done; while ! [ -S /run/parhelia/proxy.sock ]; do sleep 0.05; done; ${asks([`${origin}/`])}`;
    await first.sandboxes.create(here.spec(1, script, { network: none }));
    expect(await here.heard()).toBe("up\n");
    await first.door.close();
    await open(here, origin);
    expect(await here.heard()).toMatch(/^403 .*leave its sandboxes the service alone/);
  });
});
