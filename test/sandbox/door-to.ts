/** A gateway for tests whose service may be a process of its own: what it hears goes to the one socket of the test. */
import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";
import type { OpenDoor } from "../../src/sandbox/local/doors.ts";

export const doorTo =
  (post: string): OpenDoor =>
  async ({ directory }) => {
    const path = join(directory, "gateway.sock");
    const server = createServer((client) => pipeline(client, connect(post), () => client.destroy()));
    // A service that was killed left its own.
    rmSync(path, { force: true });
    await once(server.listen(path), "listening");
    chmodSync(path, 0o666);
    return { close: async () => void (await new Promise((resolve) => server.close(resolve))) };
  };
