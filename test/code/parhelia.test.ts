/** What code that imports us gets: one suite for sandboxes on this machine and on Modal. */
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/main.ts";
import { openAccount } from "../sandbox/modal-post.ts";
import { eventually } from "../world/eventually.ts";
import type { ModalWorld } from "../world/modal/open-modal.ts";
import { needs } from "../world/needs.ts";

// With Modal's client, which reads its configuration file when it is imported.
const { createSandbox, runInSandbox } = await import("../../src/parhelia.ts");

const ready = needs("bwrap");
let modal: ModalWorld;

beforeAll(async () => {
  modal = await openAccount();
});
afterAll(() => modal.close());

/** Processes of this machine whose command line says this. */
const processes = (word: string): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(word);
    } catch {
      // It ended while it was looked at.
      return false;
    }
  });

const backends = ["local", "modal"] as const;
const small = { cpu: 0.5, memoryMiB: 512 };

describe.skipIf(!ready).each(backends)("on %s", { timeout: 60_000 }, (backend) => {
  test("words arrive as they are, and outputs and exit status come back as they were", async () => {
    const words = ["it's", '"quoted"', "$HOME", "`id`", "a\nb", "ünïcode", ""];
    const program = "console.log(JSON.stringify(process.argv.slice(1))); console.error('apart'); process.exitCode = 7";
    const ran = await runInSandbox({ backend, ...small, command: ["node", "-e", program, ...words] });
    const { costMicroUsd, ...rest } = ran;
    expect(rest).toEqual({ exitCode: 7, stdout: `${JSON.stringify(words)}\n`, stderr: "apart\n", isCut: false });
    expect(Math.sign(costMicroUsd)).toBe(backend === "modal" ? 1 : 0);
    expect(await modal.living()).toEqual([]);
  });

  test("commands follow each other in one sandbox, and it ends with its block", async () => {
    const mark = `sleep-of-${backend}`;
    {
      await using sandbox = await createSandbox({ backend, ...small, env: { WHOSE: "the sandbox's" } });
      const wrote = await sandbox.run(["sh", "-c", 'echo "$WHOSE $MINE" > "$HOME/file"'], { env: { MINE: "mine" } });
      expect(wrote.exitCode).toBe(0);
      expect(await sandbox.run(["sh", "-c", 'cat "$HOME/file"; pwd'], { workdir: "/tmp" })).toMatchObject({
        stdout: "the sandbox's mine\n/tmp\n",
      });
      const late = await sandbox.run(["sh", "-c", "echo early; sleep 300"], { timeoutMs: 1000 });
      expect(late).toEqual({ exitCode: null, stdout: "early\n", stderr: "", isCut: false });
      expect((await sandbox.run(["echo", "on"])).stdout).toBe("on\n");
      // Left behind in the background.
      void sandbox.run(["node", "-e", `setTimeout(() => {}, 300_000, "${mark}")`]).catch(() => undefined);
      await eventually(() => processes(mark).length > 0, { withinMs: 10_000 });
    }
    await eventually(() => processes(mark).length === 0, { withinMs: 10_000 });
    expect(await modal.living()).toEqual([]);
  });

  test("it ends also where the code in its block fails, and can be ended again", async () => {
    const fail = async (): Promise<void> => {
      await using sandbox = await createSandbox({ backend, ...small });
      await sandbox.end();
      expect((await sandbox.end()).costMicroUsd).toBeGreaterThanOrEqual(0);
      throw new Error("in the block");
    };
    await expect(fail()).rejects.toThrow("in the block");
    expect(await modal.living()).toEqual([]);
  });

  test("a program that is not there, and no program, say so", async () => {
    const ran = await runInSandbox({ backend, ...small, command: ["no-such-program"] });
    expect(ran.exitCode).not.toBe(0);
    await expect(runInSandbox({ backend, ...small, command: [] })).rejects.toThrow("A command has a program");
    expect(await modal.living()).toEqual([]);
  });

  test("at its lifetime it is ended from outside", async () => {
    await using sandbox = await createSandbox({ backend, ...small, lifetimeMs: 2000 });
    const ran = sandbox.run(["sleep", "60"]).then(
      ({ exitCode }) => exitCode,
      () => "the sandbox has ended",
    );
    expect(await ran).not.toBe(0);
  });

  test("what it cannot have is refused with the cure", async () => {
    const refused = createSandbox({ backend, ...small, gpu: "H100:9" });
    await expect(refused).rejects.toMatchObject({ name: "Refusal" });
  });
});

test.skipIf(!ready)("a network and an image are Modal's, and nothing is reached unless it is asked for", async () => {
  const here = { backend: "local", ...small } as const;
  await expect(createSandbox({ ...here, network: "open" })).rejects.toThrow('use backend: "modal"');
  await expect(createSandbox({ ...here, image: "a:b" })).rejects.toThrow("has no image");
  await using closed = await createSandbox({ backend: "modal", ...small });
  const listed = ["github.com", "api.example.org"];
  await using some = await createSandbox({ backend: "modal", ...small, network: listed });
  const networks = new Map((await modal.living()).map(({ name, network }) => [name, network]));
  expect(networks.get(closed.name)).toEqual({ kind: "blocked" });
  expect(networks.get(some.name)).toEqual({ kind: "list", cidrs: [], domains: listed });
  await expect(createSandbox({ backend: "modal", image: "none:there" })).rejects.toThrow("parhelia image build");
});

test.skipIf(!ready)("no service takes it for one of its own", async () => {
  await using sandbox = await createSandbox({ backend: "modal", ...small });
  const { openModalSandboxes } = await import("../../src/sandbox/modal/open-modal-sandboxes.ts");
  const { tokenId, tokenSecret } = modal;
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const place = { app: "parhelia", image: "parhelia:live", environment: undefined, regions: [], hosts: [] };
  const service = await openModalSandboxes({
    ...place,
    tokenId,
    tokenSecret,
    network: "none",
    gateway: "https://gateway.invalid",
    clock: systemClock,
    log,
  });
  expect((await modal.living()).map(({ name }) => name)).toEqual([sandbox.name]);
  expect(await service.list()).toEqual([]);
  service.close();
});
