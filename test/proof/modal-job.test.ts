/**
 * A task on Modal with everything real but GitHub and Modal itself: the service as a process of its own, its door open to the
 * outside, Modal's own client, and the runner in a sandbox of the stand-in.
 */
import { expect, test } from "vitest";
import { computePerHour } from "../../src/core/compute-prices.ts";
import { isWaitingForMachine } from "../../src/core/task.ts";
import { expectSilence } from "../e2e/service.ts";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";
import { openModalStage } from "./modal-stage.ts";

const ready = needs("bwrap") && needs("git");

test.skipIf(!ready)(
  "a comment becomes a pull request by way of a sandbox on Modal, and its first event names the image",
  { timeout: 90_000 },
  async () => {
    const { modal, github, child, reader, secrets, start, comment, ended } = await openModalStage();
    await start();
    await comment("/parhelia run -- sh -c 'id -u > made.txt; touch ~/mine /vol/parhelia/mine && pwd >> made.txt'");
    const { task, spent, attempt } = await ended(40_000);
    expect(task, child.said.slice(-5).join("\n")).toMatchObject({ state: "succeeded", attempts: 1 });
    const [pull] = github.pulls("acme/widgets");
    const files = await github.files("acme/widgets", pull?.pull.headSha);
    // Where the stand-in is root its sandboxes have more than one user, as Modal's have.
    const user = process.getuid?.() === 0 ? 1500 : 0;
    expect(files["made.txt"]).toMatchObject({ text: `${user}\n/workspace\n` });
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
    const { modal, github, child, reader, start, comment, ended } = await openModalStage();
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
    // The last word comes a moment behind the end.
    const words = "GPU T4 asked for, ran on Tesla T4 (15 GB) at $0.59 an hour";
    const isTold = () => github.comments("acme/widgets", 1).some(({ body }) => body.includes(words));
    expect(await eventually(async () => isTold(), { withinMs: 20_000 })).toBe(true);
    expect((await modal.bill()).filter(({ app }) => app === "parhelia")).toHaveLength(1);
    expect(await modal.living()).toEqual([]);
  },
);

test.skipIf(!ready)(
  "where Modal gives a sandbox without the card that was asked for, nothing runs on its CPU",
  { timeout: 90_000 },
  async () => {
    const { modal, github, child, reader, start, comment, ended } = await openModalStage();
    await modal.capacity.show("H100", []);
    await start();
    await comment("/parhelia run --gpu H100 --budget $10 -- sh -c 'echo ran > ran.txt'");
    const { task, attempt } = await ended(60_000);
    expect(task, child.said.slice(-5).join("\n")).toMatchObject({ state: "failed", attempts: 1 });
    expect("finding" in task ? task.finding.because : "").toMatch(
      /^GPU H100 was asked for, and there is none in the sandbox \(nvidia-smi: NVIDIA-SMI has failed/,
    );
    expect(attempt?.ranOn).toMatchObject({ asked: "H100", cards: [] });
    const warned = (await reader.events()).filter(({ event }) => event.level === "warning");
    expect(warned.map(({ event }) => event.type)).toEqual(expect.arrayContaining(["cards", "gpu_found"]));
    expect(github.pulls("acme/widgets")).toEqual([]);
    expect(await modal.living()).toEqual([]);
  },
);
