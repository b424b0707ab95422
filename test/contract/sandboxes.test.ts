/** What every sandbox backend promises (`core/ports/sandboxes.ts`), over the ones that this machine can run. */
import { afterAll, describe, expect, test } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import type { Sandbox, Sandboxes, SandboxSpec } from "../../src/core/ports/sandboxes.ts";
import { Refusal } from "../../src/core/refusal.ts";
import { openAccount, openModalPost } from "../sandbox/modal-post.ts";
import { name, openPost } from "../sandbox/post.ts";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";

/** One backend, with a place where its sandboxes report. */
interface Stage {
  /** A service; again, its next life. */
  open(): Promise<Sandboxes>;
  /** A service whose sandboxes are none of ours. */
  openOther(): Promise<Sandboxes>;
  spec(n: number, script: string, changes?: Partial<SandboxSpec>): SandboxSpec;
  heard(withinMs?: number): Promise<string>;
  /** JavaScript for a connection to that place. */
  readonly connects: string;
  /** Makes a secret of the operator's; undefined where the backend has none. */
  readonly secret: ((name: string, value: string) => Promise<unknown>) | undefined;
  /** The resources of a spec, with a GPU that the backend does not have. */
  readonly strangeGpu: string;
}

async function local(isolation: "bubblewrap" | "none"): Promise<Stage> {
  const post = await openPost(isolation);
  return {
    open: () => post.open(),
    openOther: () => post.open({ stateDirectory: `${post.root}/other` }),
    spec: post.spec,
    heard: post.heard,
    connects: "require('net').connect(process.env.GATEWAY.slice(5))",
    secret: undefined,
    strangeGpu: "T4",
  };
}

const isMissing = !needs("bwrap");
const account = isMissing ? undefined : await openAccount();
afterAll(() => account?.close());

async function modal(gpu: string | undefined): Promise<Stage> {
  if (account === undefined) throw new Error("there is no account");
  const world = account;
  const post = await openModalPost(account, gpu);
  return {
    open: () => post.open(),
    openOther: () => post.open({ app: `${post.app}-staging` }),
    spec: post.spec,
    heard: post.heard,
    connects: "require('net').connect(+process.env.GATEWAY.split(':')[1], '127.0.0.1')",
    secret: (secret, value) => world.secrets.make(secret, { [secret]: value }),
    strangeGpu: "K80",
  };
}

const stay = "exec sleep 1000";

const made = async (making: ReturnType<Sandboxes["create"]>): Promise<Sandbox> => {
  const sandbox = await making;
  if (typeof sandbox === "string") throw new Error(`It is ${sandbox}.`);
  return sandbox;
};

const backends = [
  { backend: "local, bubblewrap", skip: isMissing, open: () => local("bubblewrap") },
  { backend: "local, none", skip: false, open: () => local("none") },
  { backend: "Modal, V2", skip: isMissing, open: () => modal(undefined) },
  { backend: "Modal, V1", skip: isMissing, open: () => modal("T4") },
] as const;

describe.each(backends)("$backend", { timeout: 60_000 }, ({ skip, open }) => {
  test.skipIf(skip)("a sandbox is created, found, listed and ended", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    expect(await sandboxes.list()).toEqual([]);
    expect(await sandboxes.find(name(1))).toBeUndefined();
    const sandbox = await made(sandboxes.create(stage.spec(1, stay)));
    await made(sandboxes.create(stage.spec(2, stay)));
    expect(sandbox).toMatchObject({ name: name(1) });
    expect(Instant.safeParse(sandbox.startedAt).success).toBe(true);
    expect(await sandboxes.find(name(1))).toMatchObject({ name: name(1) });
    expect((await sandboxes.list()).map((one) => one.name).toSorted()).toEqual([name(1), name(2)]);
    await sandboxes.end(name(1));
    expect((await sandboxes.list()).map((one) => one.name)).toEqual([name(2)]);
    expect(await sandboxes.find(name(1))).toBeUndefined();
  });

  test.skipIf(skip)("creating again starts nothing, also at the same moment and in the next life", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    const spec = stage.spec(1, `echo started | say; ${stay}`);
    const both = await Promise.all([made(sandboxes.create(spec)), made(sandboxes.create(spec))]);
    expect(both.map((one) => one.name)).toEqual([name(1), name(1)]);
    expect(await made(sandboxes.create(spec))).toMatchObject({ name: name(1) });
    expect(await sandboxes.list()).toHaveLength(1);
    expect(await stage.heard()).toBe("started\n");
    const nextLife = await stage.open();
    expect(await made(nextLife.create(spec))).toMatchObject({ name: name(1) });
    await nextLife.end(name(1));
    await expect(stage.heard(0)).rejects.toThrow("did not come true");
  });

  test.skipIf(skip)("ending what is not there is no error, and a name can be used again", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    await sandboxes.end(name(1));
    await made(sandboxes.create(stage.spec(1, stay)));
    await sandboxes.end(name(1));
    await sandboxes.end(name(1));
    await made(sandboxes.create(stage.spec(1, "echo again | say")));
    expect(await stage.heard()).toBe("again\n");
  });

  test.skipIf(skip)("the command gets its argv and environment as they are, without a shell", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    const script = `${stage.connects}.end(JSON.stringify([process.argv.slice(1), process.env.A, process.version]))`;
    const spec = stage.spec(1, "");
    const odd = "two\nlines $HOME 'q' \"";
    await made(
      sandboxes.create({ ...spec, command: ["node", "-e", script, "--", odd, ""], env: { ...spec.env, A: odd } }),
    );
    expect(JSON.parse(await stage.heard())).toEqual([[odd, ""], odd, process.version]);
  });

  test.skipIf(skip)("a sandbox ends with its command, and takes along what the command left running", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    await made(sandboxes.create(stage.spec(1, "setsid sleep 1000 & echo $! | say")));
    await stage.heard();
    expect(await eventually(async () => (await sandboxes.list()).length === 0, { withinMs: 10_000 })).toBe(true);
    expect(await sandboxes.find(name(1))).toBeUndefined();
  });

  test.skipIf(skip)("the lifetime ends it", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    await made(sandboxes.create(stage.spec(1, stay, { lifetimeMs: 1000 })));
    expect(await eventually(async () => (await sandboxes.list()).length === 0, { withinMs: 10_000 })).toBe(true);
  });

  test.skipIf(skip)("another service's sandboxes are not ours", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    const others = await stage.openOther();
    await made(sandboxes.create(stage.spec(1, stay)));
    expect(await others.list()).toEqual([]);
    await others.end(name(1));
    expect(await sandboxes.list()).toHaveLength(1);
  });

  test.skipIf(skip)(
    "secrets come in by their names, never where it is untrusted, or are refused in words",
    async () => {
      const stage = await open();
      const sandboxes = await stage.open();
      const says = (n: number, changes: Partial<SandboxSpec>) =>
        stage.spec(n, `echo "<$NPM_TOKEN>" | say; ${stay}`, { secrets: ["NPM_TOKEN"], ...changes });
      if (stage.secret === undefined) {
        await expect(sandboxes.create(says(1, {}))).rejects.toThrow(/no secrets.*use Modal/);
        return expect(await sandboxes.list()).toEqual([]);
      }
      await stage.secret("NPM_TOKEN", "npm-1");
      await made(sandboxes.create(says(1, {})));
      expect(await stage.heard()).toBe("<npm-1>\n");
      await made(sandboxes.create(says(2, { untrusted: true })));
      expect(await stage.heard()).toBe("<>\n");
      const missing = sandboxes.create(says(3, { secrets: ["NPM_TOKEN", "NO_SUCH"] }));
      await expect(missing).rejects.toThrow(/no secret NO_SUCH.*modal secret create NO_SUCH NO_SUCH=…/);
      await expect(missing).rejects.toThrow(Refusal);
      return expect(await sandboxes.list()).toHaveLength(2);
    },
  );

  test.skipIf(skip)("a base of one's own has what is ours on top of it, or is refused in words", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    const script = `{ node --version; command -v claude >/dev/null; } 2>&1 | say; ${stay}`;
    const spec = stage.spec(1, script, { image: "nvidia/cuda:12.6.2-runtime-ubuntu24.04" });
    if (stage.secret === undefined) {
      await expect(sandboxes.create(spec)).rejects.toThrow(/no images.*use Modal/);
      return expect(await sandboxes.list()).toEqual([]);
    }
    const { image } = await made(sandboxes.create(spec));
    expect(image?.name).toMatch(/^parhelia-base:[0-9a-f]{40}$/);
    expect(await stage.heard()).toMatch(/^v24\./);
    return expect(await sandboxes.find(name(1))).toMatchObject({ image });
  });

  test.skipIf(skip)("what the backend does not have is refused in words for a person", async () => {
    const stage = await open();
    const sandboxes = await stage.open();
    const { resources } = stage.spec(1, stay);
    expect(() => sandboxes.accept(resources)).not.toThrow();
    expect(sandboxes.pricePerHour(resources)).toBeGreaterThanOrEqual(0);
    const gpu = stage.strangeGpu;
    expect(() => sandboxes.accept({ ...resources, gpu })).toThrow(Refusal);
    expect(() => sandboxes.accept({ ...resources, gpu })).toThrow(gpu);
    expect(() => sandboxes.accept({ ...resources, cpu: 10_000 })).toThrow(/CPU.*10000/);
    expect(() => sandboxes.accept({ ...resources, memoryMiB: 100_000_000 })).toThrow(/MiB/);
    await expect(sandboxes.create(stage.spec(1, stay, { resources: { ...resources, gpu } }))).rejects.toThrow(Refusal);
    expect(await sandboxes.list()).toEqual([]);
  });
});

describe.each([
  { backend: "local, bubblewrap", skip: isMissing, open: () => openPost("bubblewrap") },
  { backend: "local, none", skip: false, open: () => openPost("none") },
] as const)("$backend", { timeout: 60_000 }, ({ skip, open }) => {
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
