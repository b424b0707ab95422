/**
 * A task on Modal with everything real but GitHub and Modal itself: the service as a process of its own, its door open to the
 * outside, Modal's own client, and the runner in a sandbox of the stand-in.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { computePerHour } from "../../src/core/compute-prices.ts";
import { isEnded, isWaitingForMachine } from "../../src/core/task.ts";
import { openChild } from "../e2e/child.ts";
import { openGate } from "../e2e/gate.ts";
import { openReader } from "../e2e/reader.ts";
import { environment, expectSilence } from "../e2e/service.ts";
import { openAccount } from "../sandbox/modal-post.ts";
import { eventually } from "../world/eventually.ts";
import { openGitHub } from "../world/github/open-github.ts";
import { needs } from "../world/needs.ts";

const ready = needs("bwrap") && needs("git");

async function openStage() {
  const root = mkdtempSync(join(tmpdir(), "parhelia-modal-job-"));
  mkdirSync(join(root, ".parhelia"));
  const modal = await openAccount();
  const gate = await openGate();
  const webhookSecret = randomBytes(20).toString("hex");
  const modelKey = `sk-ant-${randomBytes(20).toString("hex")}`;
  const publicUrl = `http://127.0.0.1:${gate.port}`;
  const github = await openGitHub({ directory: join(root, "github"), now: Date.now, webhookSecret, publicUrl });
  gate.serve(github.fetch);
  const free = await openGate();
  await free.close();
  const address = `http://127.0.0.1:${free.port}`;
  const secrets = { modelKey, webhookSecret, privateKey: github.app.privateKey };
  const child = openChild(root, {
    ...environment({ root, secrets, github, apiUrl: `${publicUrl}/api/v3`, modelUrl: "http://127.0.0.1:9" }),
    ...modal.environment(),
    PARHELIA_SERVER_PORT: String(free.port),
    PARHELIA_SERVER_PUBLIC_URL: address,
    PARHELIA_SANDBOX_BACKEND: "modal",
  });
  const reader = openReader(join(root, ".parhelia", "orchestrator.db"));
  onTestFinished(async () => {
    await child.end("SIGKILL");
    await reader.close();
    await github.close();
    await gate.close();
    await modal.close();
    rmSync(root, { recursive: true, force: true });
  });
  const issue = github.as("dana").openIssue("acme/widgets", "A file is missing", "It should be there.");
  const ended = (withinMs: number) =>
    eventually(
      async () => {
        const view = await reader.view();
        return isEnded(view.task) ? view : undefined;
      },
      { withinMs },
    );
  const start = async () => {
    await child.start();
    github.target = `${address}/webhook`;
  };
  const comment = async (body: string) => {
    github.as("dana").comment("acme/widgets", issue, body);
    for (const { status } of await github.deliveries.deliverAll()) expect(status).toBe(202);
  };
  return { modal, github, child, reader, address, secrets, start, comment, ended };
}

test.skipIf(!ready)(
  "a comment becomes a pull request by way of a sandbox on Modal, and its first event names the image",
  { timeout: 90_000 },
  async () => {
    const { modal, github, child, reader, secrets, start, comment, ended } = await openStage();
    await start();
    await comment("/parhelia run -- sh -c 'echo made > made.txt'");
    const { task, spent, attempt } = await ended(40_000);
    expect(task, child.said.slice(-5).join("\n")).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(github.pulls("acme/widgets")).toHaveLength(1);
    expect(await modal.living()).toEqual([]);
    const made = (await reader.events()).find(({ event }) => event.type === "sandbox_created");
    expect(made?.event.message).toMatch(/^sandbox parhelia-t_\w+-1 from image parhelia:live \(im-\w+\)$/);
    expect(attempt?.microUsdPerHour).toBe(computePerHour({ cpu: 1, memoryMiB: 2048 }));
    const [billed] = (await modal.bill()).filter(({ app }) => app === "parhelia");
    expect(spent).toBeGreaterThanOrEqual(Math.floor((billed?.usd ?? 0) * 1e6 * 0.99));
    expect(await child.end("SIGTERM")).toBe(0);
    expectSilence(child.said, { ...secrets });
    expect(child.said.join("\n")).not.toContain(modal.tokenSecret);
  },
);

test.skipIf(!ready)(
  "a service that is killed while its task waits for a GPU finds it again and runs it",
  { timeout: 90_000 },
  async () => {
    const { modal, github, child, reader, start, comment, ended } = await openStage();
    await modal.capacity.set("T4", "never");
    await start();
    await comment("/parhelia run --gpu T4 -- sh -c 'nvidia-smi > card.txt'");
    await eventually(async () => isWaitingForMachine((await reader.view()).task), { withinMs: 20_000 });
    expect(await modal.living()).toMatchObject([{ state: "queued", version: 1 }]);
    await child.end("SIGKILL");
    await start();
    await modal.capacity.set("T4", { afterMs: 0 });
    const { task } = await ended(60_000);
    expect(task, child.said.slice(-5).join("\n")).toMatchObject({ state: "succeeded", attempts: 1 });
    const [pull] = github.pulls("acme/widgets");
    const files = await github.files("acme/widgets", pull?.pull.headSha);
    expect(files["card.txt"]).toMatchObject({ text: "Tesla T4\n" });
    expect((await modal.bill()).filter(({ app }) => app === "parhelia")).toHaveLength(1);
    expect(await modal.living()).toEqual([]);
  },
);
