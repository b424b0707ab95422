/** The stand-in for Modal, asked through Modal's own client: sandboxes from their creation to their end. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Sandbox } from "modal";
import { AlreadyExistsError, NotFoundError, openTrial } from "./modal/trial.ts";
import { needs } from "./needs.ts";

const isMissing = !needs("bwrap");
const { world, client, old, app, image, run, result } = await openTrial();

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Its script has come to where it makes that file. */
async function isUp(sandbox: Sandbox): Promise<void> {
  const exec = await sandbox.exec(["sh", "-c", "until [ -e /tmp/up ]; do sleep 0.02; done"]);
  await exec.wait();
}

const named = async (): Promise<(string | undefined)[]> => (await world.living()).map(({ name }) => name);

describe.skipIf(isMissing)("a command", () => {
  test("runs with the paths of production and an environment made from nothing", async () => {
    process.env["OF_THE_TEST"] = "leaks";
    await world.secrets.make("lent", { LENT: "from a secret", BOTH: "secret" });
    const secrets = [await client.secrets.fromName("lent")];
    const sandbox = await run(
      ["sh", "-c", "pwd; echo $HOME $LENT $BOTH $OF_THE_TEST; touch /made $HOME/made; exit 3"],
      {
        workdir: "/workspace",
        env: { BOTH: "request" },
        secrets,
      },
    );
    expect(await sandbox.stdout.readText()).toBe("/workspace\n/root from a secret request\n");
    expect(await sandbox.wait()).toBe(3);
    expect(await result(sandbox)).toEqual([2, 3]);
  });

  test("succeeds with 0, and is not found with 127", async () => {
    expect(await result(await run(["true"]))).toEqual([1, 0]);
    expect(await result(await run(["no-such-program"]))).toEqual([2, 127]);
    expect(await result(await old.sandboxes.create(app, image, { command: ["true"] }))).toEqual([1, 0]);
  });

  test("of the old backend is read from the control plane's log", async () => {
    const sandbox = await old.sandboxes.create(app, image, { command: ["sh", "-c", "echo one; sleep 0.1; echo two"] });
    expect(sandbox.sandboxId).toMatch(/^sb-\w{22}$/);
    expect(await sandbox.stdout.readText()).toBe("one\ntwo\n");
    expect(await sandbox.wait()).toBe(0);
    const listens = await old.sandboxes.create(app, image, { command: ["cat"] });
    expect(await (await listens.exec(["echo", "beside"])).stdout.readText()).toBe("beside\n");
    await listens.stdin.writeText("typed");
    await listens.stdin.close();
    expect(await listens.stdout.readText()).toBe("typed");
  });

  test("loses the oldest of its output, and the app's logs can be read", async () => {
    await world.change({ keepBytes: 10 });
    const sandbox = await run(["sh", "-c", "for n in 1 2 3 4; do echo line $n; sleep 0.05; done"]);
    await sandbox.wait();
    expect(await sandbox.stdout.readText()).toBe("line 3\nline 4\n");
    const lines = await all(sandbox.logs.tail({ entries: 1 }));
    expect(lines.map(({ message }) => message)).toEqual(["line 4\n"]);
    const found = await all(sandbox.logs.fetch({ since: new Date(Date.now() - 60_000), searchText: "1" }));
    expect(found.map(({ message, source }) => [source, message])).toEqual([["stdout", "line 1\n"]]);
    await world.change({ keepBytes: 2 ** 20 });
  });

  test("is joined by others, in the same place", async () => {
    const sandbox = await run(["sleep", "60"], { env: { A: "a" } });
    const exec = await sandbox.exec(["sh", "-c", "cat; echo $A $B; pwd >&2; exit 4"], {
      env: { B: "b" },
      workdir: "/tmp",
    });
    await exec.stdin.writeText("typed\n");
    await exec.stdin.close();
    expect(await exec.stdout.readText()).toBe("typed\na b\n");
    expect(await exec.stderr.readText()).toBe("/tmp\n");
    expect(await exec.wait()).toBe(4);
    const old = await client.sandboxes.fromId(sandbox.sandboxId);
    const seen = await old.exec(["pgrep", "-c", "-x", "sleep"]);
    expect(await seen.stdout.readText()).toBe("1\n");
    const late = await sandbox.exec(["sleep", "60"], { timeoutMs: 1000 });
    await expect(late.wait()).resolves.toBe(137);
    await sandbox.terminate({ wait: true });
    await expect(sandbox.exec(["true"])).rejects.toThrow("already finished");
  });

  test("reaches this machine, and nothing when the network is blocked", async () => {
    const server = createServer((_, answer) => answer.end("reached"));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const asks = ["node", "-e", `fetch("http://127.0.0.1:${port}").then(async (r) => console.log(await r.text()))`];
    expect(await (await run(asks)).stdout.readText()).toBe("reached\n");
    expect(await result(await run(asks, { blockNetwork: true }))).toEqual([2, 1]);
    server.close();
  });
});

describe.skipIf(isMissing)("an end", () => {
  test("by terminate is SIGTERM to all, then SIGKILL", async () => {
    const polite = await run(["sh", "-c", "trap 'echo bye; exit 0' TERM; touch /tmp/up; sleep 61 & wait"]);
    const stubborn = await run(["sh", "-c", "trap '' TERM; touch /tmp/up; sleep 62; sleep 62; sleep 62"]);
    for (const sandbox of [polite, stubborn]) {
      await isUp(sandbox);
      await sandbox.terminate();
      expect(await sandbox.wait()).toBe(137);
      expect(await result(sandbox)).toEqual([3, 137]);
    }
    expect(await polite.stdout.readText()).toBe("bye\n");
    const { existingResult } = await client.cpClient.sandboxTerminateV2({ sandboxId: polite.sandboxId });
    expect(existingResult?.status).toBe(3);
  });

  test("comes when the lifetime is over, or nobody looks after an idle one", async () => {
    const sandbox = await run(["sleep", "60"], { timeoutMs: 3_600_000 });
    const idle = await run(["sleep", "60"], { timeoutMs: 7_200_000, idleTimeoutMs: 4_000_000 });
    await world.pass(3_600_000 - 1000);
    expect(await sandbox.poll()).toBe(null);
    await world.pass(1000);
    expect(await sandbox.wait()).toBe(124);
    expect(await result(sandbox)).toEqual([4, 124]);
    await world.pass(400_000);
    // What Modal's `poll` says of a sandbox that was ended as idle: as if all were well.
    expect(await idle.wait()).toBe(0);
    expect(await result(idle)).toEqual([7, 0]);
  });

  test("comes when it uses more memory than its limit", async () => {
    const eats = ["node", "-e", "const all = []; setInterval(() => all.push(Buffer.alloc(2 ** 24, 1)), 5)"];
    const sandbox = await run(eats, { memoryMiB: 64, memoryLimitMiB: 256 });
    expect(await result(sandbox)).toEqual([2, 137]);
  });

  test("can be any that Modal has", async () => {
    for (const status of [5, 6, 7]) {
      const sandbox = await run(["sleep", "60"], { name: "doomed" });
      await world.faults.end("doomed", { status });
      expect(await sandbox.poll()).toBe(0);
      expect(await result(sandbox)).toEqual([status, 0]);
    }
    const sandbox = await run([
      "sh",
      "-c",
      "trap 'echo interrupted; exit 0' INT; touch /tmp/up; while :; do sleep 0.05; done",
    ]);
    await isUp(sandbox);
    await world.faults.preempt(sandbox.sandboxId);
    expect(await sandbox.stdout.readText()).toBe("interrupted\n");
    expect((await client.cpClient.sandboxWaitV2({ sandboxId: sandbox.sandboxId })).result?.exception).toContain(
      "preempted",
    );
  });
});

describe("finding", () => {
  test("by name, which one running sandbox of an app can have", async () => {
    const first = await run(["sleep", "60"], { name: "attempt-1" });
    await expect(run(["true"], { name: "attempt-1" })).rejects.toBeInstanceOf(AlreadyExistsError);
    const other = await client.apps.fromName("other", { createIfMissing: true });
    const elsewhere = await client.sandboxes.create(other, image, { name: "attempt-1", command: ["sleep", "60"] });
    expect((await client.sandboxes.fromName("parhelia", "attempt-1")).sandboxId).toBe(first.sandboxId);
    await first.terminate({ wait: true });
    await expect(client.sandboxes.fromName("parhelia", "attempt-1")).rejects.toBeInstanceOf(NotFoundError);
    const ended = await client.sandboxes.fromName("parhelia", "attempt-1", { includeTerminated: true });
    expect(ended.sandboxId).toBe(first.sandboxId);
    const again = await run(["sleep", "60"], { name: "attempt-1" });
    await Promise.all([again.terminate({ wait: true }), elsewhere.terminate({ wait: true })]);
    const v1 = await old.sandboxes.create(app, image, { name: "attempt-1", command: ["sleep", "60"] });
    expect((await client.sandboxes.fromName("parhelia", "attempt-1")).sandboxId).toBe(v1.sandboxId);
    const { sandboxId } = v1;
    await expect(client.cpClient.sandboxWaitV2({ sandboxId })).rejects.toThrow("not found");
    await v1.terminate({ wait: true });
  });

  test("by list: what runs in the app with all the tags, newest first, whatever the size of a page", async () => {
    await world.change({ pageSize: 2 });
    await world.foreign("theirs", ["one", "two"]);
    const made = [];
    for (const n of [1, 2, 3, 4, 5])
      made.push(await run(["sleep", "60"], { name: `n${n}`, tags: { of: "us", n: `${n % 2}` } }));
    const ids = made.map(({ sandboxId }) => sandboxId);
    const listed = async (tags?: Record<string, string>) =>
      (await all(client.sandboxes.list({ appId: app.appId, ...(tags && { tags }) }))).map(({ sandboxId }) => sandboxId);
    expect(await listed()).toEqual(ids.toReversed());
    expect(await listed({ of: "us", n: "1" })).toEqual([ids[4], ids[2], ids[0]]);
    await made[4]?.setTags({ of: "them" });
    expect(await made[4]?.getTags()).toEqual({ of: "them" });
    expect(await listed({ of: "us", n: "1" })).toEqual([ids[2], ids[0]]);
    await Promise.all(made.map((sandbox) => sandbox.terminate({ wait: true })));
    expect(await listed()).toEqual([]);
    expect(await named()).toEqual(["one", "two"]);
    await world.change({ listLagMs: 60_000 });
    const late = await run(["sleep", "60"], { timeoutMs: 600_000 });
    expect(await listed()).toEqual([]);
    await world.pass(60_000);
    expect(await listed()).toEqual([late.sandboxId]);
    await world.change({ listLagMs: 0 });
    await late.terminate({ wait: true });
    await world.change({ pageSize: 100 });
  });
});

describe.skipIf(isMissing)("a volume", () => {
  test("keeps what sandboxes write, below a path, and read-only where it is mounted so", async () => {
    const volume = await client.volumes.fromName("parhelia-data", { createIfMissing: true, version: 2 });
    const at = "/vol/parhelia";
    const writes = await run(["sh", "-c", `mkdir -p ${at}/t1 && echo kept > ${at}/t1/note`], {
      volumes: { [at]: volume },
    });
    expect(await writes.wait()).toBe(0);
    const others = await run(
      ["sh", "-c", `until [ -e /tmp/go ]; do sleep 0.02; done; cat ${at}/t1/note ${at}/t1/more; ls ${at}`],
      {
        volumes: { [at]: volume },
      },
    );
    const changes = `cd ${at} && echo more > t1/more && echo again > t1/note && mkdir t2 && exec sleep 60`;
    const busy = await run(["sh", "-c", changes], { volumes: { [at]: volume } });
    await (await busy.exec(["sh", "-c", `until [ -e ${at}/t2 ]; do sleep 0.02; done`])).wait();
    await busy.terminate({ wait: true });
    await (await others.exec(["sh", "-c", `echo own > ${at}/own; ls ${at}/t1 > /tmp/before`])).wait();
    await others.reloadVolumes();
    const before = await others.exec(["sh", "-c", "cat /tmp/before; touch /tmp/go"]);
    expect(await before.stdout.readText()).toBe("note\n");
    expect(await others.stdout.readText()).toBe("again\nmore\nown\nt1\nt2\n");
    const mine = volume.withMountOptions({ subPath: "t1", readOnly: true });
    const reads = await run(["sh", "-c", `cat ${at}/note; ls -a ${at}; echo x > ${at}/other`], {
      volumes: { [at]: mine },
    });
    expect(await reads.stdout.readText()).toBe("again\n.\n..\nmore\nnote\n");
    expect(await reads.stderr.readText()).toContain("Read-only file system");
    const [seen] = await world.volumes();
    expect(readFileSync(join(seen?.directory ?? "", "t1/note"), "utf8")).toBe("again\n");
    writeFileSync(join(seen?.directory ?? "", "from-outside"), "");
    await expect(client.volumes.fromName("parhelia-data", { version: 1 })).rejects.toThrow("exists but has version v2");
    await client.volumes.delete("parhelia-data");
    await expect(client.volumes.fromName("parhelia-data")).rejects.toBeInstanceOf(NotFoundError);
  });
});
