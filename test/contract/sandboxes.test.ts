/** What every sandbox backend promises (`core/ports/sandboxes.ts`), over the ones that this machine can run. */
import { describe, expect, test } from "vitest";
import { Refusal } from "../../src/core/refusal.ts";
import { name, openPost } from "../sandbox/post.ts";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";

const stay = "exec sleep 1000";

describe.each([
  { backend: "local, bubblewrap", skip: !needs("bwrap"), open: () => openPost("bubblewrap") },
  { backend: "local, none", skip: false, open: () => openPost("none") },
])("$backend", { timeout: 60_000 }, ({ skip, open }) => {
  test.skipIf(skip)("a sandbox is created, found, listed and ended", async () => {
    const post = await open();
    const sandboxes = await post.open();
    expect(await sandboxes.list()).toEqual([]);
    expect(await sandboxes.find(name(1))).toBeUndefined();
    const sandbox = await sandboxes.create(post.spec(1, stay));
    await sandboxes.create(post.spec(2, stay));
    expect(sandbox).toEqual({ name: name(1), startedAt: 1_000_000 });
    expect(await sandboxes.find(name(1))).toEqual(sandbox);
    expect((await sandboxes.list()).map((one) => one.name).toSorted()).toEqual([name(1), name(2)]);
    await sandboxes.end(name(1));
    expect((await sandboxes.list()).map((one) => one.name)).toEqual([name(2)]);
    expect(await sandboxes.find(name(1))).toBeUndefined();
  });

  test.skipIf(skip)("creating again starts nothing, also at the same moment", async () => {
    const post = await open();
    const sandboxes = await post.open();
    const spec = post.spec(1, `echo started | say; ${stay}`);
    const [first, second] = await Promise.all([sandboxes.create(spec), sandboxes.create(spec)]);
    expect(second).toEqual(first);
    expect(await sandboxes.create(spec)).toEqual(first);
    expect(await post.heard()).toBe("started\n");
    await sandboxes.end(name(1));
    await expect(post.heard(0)).rejects.toThrow("did not come true");
  });

  test.skipIf(skip)("ending what is not there is no error, and a name can be used again", async () => {
    const post = await open();
    const sandboxes = await post.open();
    await sandboxes.end(name(1));
    await sandboxes.create(post.spec(1, stay));
    await sandboxes.end(name(1));
    await sandboxes.end(name(1));
    await sandboxes.create(post.spec(1, "echo again | say"));
    expect(await post.heard()).toBe("again\n");
  });

  test.skipIf(skip)("the command gets its argv and environment as they are, without a shell", async () => {
    const post = await open();
    const sandboxes = await post.open();
    const script =
      "require('net').connect(process.env.GATEWAY.slice(5)).end(JSON.stringify([process.argv.slice(1), process.env.A, process.version]))";
    const spec = post.spec(1, "");
    const odd = "two\nlines $HOME 'q' \"";
    await sandboxes.create({ ...spec, command: ["node", "-e", script, "--", odd, ""], env: { ...spec.env, A: odd } });
    expect(JSON.parse(await post.heard())).toEqual([[odd, ""], odd, process.version]);
  });

  test.skipIf(skip)("the command has a HOME and an empty workspace, both writable, and git", async () => {
    const post = await open();
    const sandboxes = await post.open();
    await sandboxes.create(
      post.spec(
        1,
        '{ cd "$PARHELIA_WORKSPACE" && ls -A && touch a "$HOME/b" && git --version >c && ls && pwd -P; } 2>&1 | say',
      ),
    );
    const lines = (await post.heard()).trim().split("\n");
    expect(lines.slice(0, 2)).toEqual(["a", "c"]);
    expect(lines[2]).toMatch(/workspace$/);
  });

  test.skipIf(skip)("a sandbox ends with its command, and takes along what the command left running", async () => {
    const post = await open();
    const sandboxes = await post.open();
    await sandboxes.create(post.spec(1, "setsid sleep 1000 & echo $! | say"));
    await post.heard();
    expect(await eventually(async () => (await sandboxes.list()).length === 0, { withinMs: 10_000 })).toBe(true);
  });

  test.skipIf(skip)("the lifetime ends it", async () => {
    const post = await open();
    const sandboxes = await post.open();
    await sandboxes.create(post.spec(1, stay, { lifetimeMs: 300 }));
    expect(await eventually(async () => (await sandboxes.list()).length === 0, { withinMs: 10_000 })).toBe(true);
  });

  test.skipIf(skip)("another service's sandboxes are not ours", async () => {
    const post = await open();
    const sandboxes = await post.open();
    const others = await post.open({ stateDirectory: `${post.root}/other` });
    await sandboxes.create(post.spec(1, stay));
    expect(await others.list()).toEqual([]);
    await others.end(name(1));
    expect(await sandboxes.list()).toHaveLength(1);
  });

  test.skipIf(skip)("what the backend does not have is refused in words for a person", async () => {
    const post = await open();
    const sandboxes = await post.open();
    const fits = { cpu: 1, memoryMiB: 256 };
    expect(() => sandboxes.accept(fits)).not.toThrow();
    expect(() => sandboxes.accept({ ...fits, gpu: "H100:2" })).toThrow(Refusal);
    expect(() => sandboxes.accept({ ...fits, gpu: "H100:2" })).toThrow(/no GPU.*H100:2/);
    expect(() => sandboxes.accept({ ...fits, cpu: 10_000 })).toThrow(/has \d+ CPUs.*10000/);
    expect(() => sandboxes.accept({ ...fits, memoryMiB: 100_000_000 })).toThrow(/ask for at most \d+ MiB/);
    await expect(sandboxes.create(post.spec(1, stay, { resources: { ...fits, gpu: "T4" } }))).rejects.toThrow(Refusal);
  });

  test.skipIf(skip)("no more sandboxes than slots", async () => {
    const post = await open();
    const sandboxes = await post.open({ slots: 1 });
    const both = await Promise.allSettled([1, 2].map((n) => sandboxes.create(post.spec(n, stay))));
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    await expect(sandboxes.create(post.spec(2, stay))).rejects.toThrow("All 1 local sandboxes are in use");
    await sandboxes.end(name(1));
    await sandboxes.create(post.spec(2, stay));
  });
});
