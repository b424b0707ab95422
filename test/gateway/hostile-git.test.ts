/** What a sandbox may send where it fetches a repository of this machine, and how the service survives it. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { secondMs } from "../../src/core/instant.ts";
import { listen } from "../../src/gateway/listen.ts";
import { askAtTerminal } from "../world/terminal-task.ts";
import { world } from "../world/world.ts";

function repository(): string {
  const place = mkdtempSync(join(tmpdir(), "parhelia-hostile-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const git = ["-c", "user.name=x", "-c", "user.email=x@x", "-C", place];
  execFileSync("git", [...git, "init", "-q", "-b", "main"]);
  execFileSync("git", [...git, "commit", "-q", "--allow-empty", "-m", "one"]);
  return join(place, ".git");
}

test("an upload that breaks off, or is no gzip, harms nobody but its own fetch", async () => {
  const directory = repository();
  await world(async (w) => {
    await askAtTerminal(w.store, { id: "t_zzzzzzzz", directory, now: w.now() });
    await w.dispatch();
    const inside = w.inside();
    const gateway = w.sandboxes.gateway;
    if (gateway === undefined) throw new Error("no gateway");
    const { port = 0, close } = await listen(gateway, { host: "127.0.0.1", port: 0 });
    const head = (length: number, encoding: string): string =>
      `POST /gateway/git/git-upload-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${inside.spec.env["PARHELIA_TOKEN"]}\r\n` +
      `Content-Encoding: ${encoding}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;
    for (const encoding of ["gzip", "identity"]) {
      const leaves = connect(port ?? 0, "127.0.0.1");
      await once(leaves, "connect");
      // The answer's head shows that the body is being read.
      leaves.write(`${head(1000, encoding)}\x1f\x8b\x08`, "latin1");
      await once(leaves, "data");
      leaves.resetAndDestroy();
      await once(leaves, "close");
      const nonsense = connect(port ?? 0, "127.0.0.1");
      nonsense.write(`${head(9, encoding)}nonsense!`);
      expect(await text(nonsense)).toMatch(/^HTTP\/1\.1 200 /);
    }
    expect((await inside.call("/gateway/job")).status).toBe(200);
    await close();
    await inside.says();
    await w.dispatch();
    await inside.ends();
    await w.pass(secondMs);
  });
});
