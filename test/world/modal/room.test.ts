/** What Modal does not give: more than a plan's room, cards that are not free, requests past its limits. */
import { describe, expect, test } from "vitest";
import { Status } from "nice-grpc";
import { needs } from "../needs.ts";
import { openTrial } from "./trial.ts";

const { world, client, app, image, run } = await openTrial();
const gpu = (type: string) => client.sandboxes.create(app, image, { gpu: type, command: ["nvidia-smi"] });

describe("an account", () => {
  test("has no more room than its plan", async () => {
    const { app, image, client, world } = await openTrial({ containers: 1 });
    const create = () => client.sandboxes.create(app, image, { command: ["sleep", "60"] });
    const first = await create();
    await expect(create()).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    await first.terminate({ wait: true });
    await create();
    expect(await world.living()).toHaveLength(1);
  });

  test("on the Starter plan is told no bill, and what a sandbox used", async () => {
    const end = new Date();
    const report = client.cpClient.workspaceBillingReport({ startTimestamp: end, endTimestamp: end, resolution: "h" });
    await expect(report[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
    await expect(client.cpClient.workspaceBillingRates({})).rejects.toMatchObject({ code: Status.PERMISSION_DENIED });
    const sandbox = await run(["sleep", "60"], { cpu: 2, memoryMiB: 512, timeoutMs: 7_200_000, name: "dear" });
    await world.pass(3_600_000);
    await sandbox.terminate({ wait: true });
    const billed = (await world.bill()).find(({ name }) => name === "dear");
    expect(billed?.coreSeconds).toBeCloseTo(7200, -2);
    expect(billed?.gibSeconds).toBeCloseTo(1800, -2);
    expect(billed?.usd).toBeCloseTo(7200 * 0.000_039_42 + 1800 * 0.000_006_67, 2);
    const used = await client.cpClient.sandboxGetResourceUsage({ sandboxId: sandbox.sandboxId });
    expect(used.cpuCoreNanosecs / 1e9).toBeCloseTo(billed?.coreSeconds ?? 0, 3);
  });
});

describe("a card", () => {
  test.skipIf(!needs("bwrap"))("is seen inside, and is the one that was granted", async () => {
    expect(await (await gpu("A10G:2")).stdout.readText()).toBe("NVIDIA A10\nNVIDIA A10\n");
    await world.capacity.upgrade("H100", "H200");
    expect(await (await gpu("h100")).stdout.readText()).toBe("NVIDIA H200\n");
    expect(await (await gpu("H100!")).stdout.readText()).toBe("NVIDIA H100 80GB HBM3\n");
  });

  test("that is not free is waited for, and costs nothing until then", async () => {
    await world.capacity.set("L4", { afterMs: 700 });
    const began = Date.now();
    const sandbox = await client.sandboxes.create(app, image, { gpu: "L4", command: ["sleep", "60"] });
    expect(Date.now() - began).toBeGreaterThan(700);
    await sandbox.terminate({ wait: true });
    const billed = (await world.bill()).find(({ sandboxId }) => sandboxId === sandbox.sandboxId);
    expect(billed?.seconds).toBeLessThan((Date.now() - began - 690) / 1000);
  });

  test("that is never free holds the caller until the sandbox is ended", async () => {
    await world.capacity.set("B200", "never");
    const create = client.sandboxes.create(app, image, { gpu: "B200", name: "waits", command: ["true"] });
    await expect.poll(async () => (await world.living()).map(({ state }) => state)).toEqual(["queued"]);
    const [queued] = await world.living();
    const { sandboxId = "" } = queued ?? {};
    expect(await client.sandboxes.fromName("parhelia", "waits")).toMatchObject({ sandboxId });
    const listed = async (call: "sandboxList" | "sandboxListV2") =>
      (await client.cpClient[call]({ appId: app.appId })).sandboxes.map(({ id, taskInfo }) => [id, taskInfo]);
    expect(await listed("sandboxList")).toEqual([[sandboxId, undefined]]);
    expect(await listed("sandboxListV2")).toEqual([[sandboxId, undefined]]);
    await world.change({ isV1InListV2: false });
    expect(await listed("sandboxListV2")).toEqual([]);
    await world.change({ isV1InListV2: true });
    await client.cpClient.sandboxTerminate({ sandboxId });
    await expect(create).rejects.toThrow("has already finished");
    expect((await world.bill()).find((one) => one.sandboxId === sandboxId)?.usd).toBe(0);
  });

  test("past the plan's number waits for another's end", async () => {
    await world.change({ gpus: 1 });
    const first = await client.sandboxes.create(app, image, { gpu: "T4", command: ["sleep", "60"] });
    const second = client.sandboxes.create(app, image, { gpu: "T4", command: ["sleep", "60"] });
    await expect.poll(async () => (await world.living()).map(({ state }) => state)).toEqual(["running", "queued"]);
    await first.terminate({ wait: true });
    await (await second).terminate({ wait: true });
  });

  test("of no kind that Modal has is refused", async () => {
    for (const type of ["RTX4090", "A10:5", "H100:9"]) {
      await expect(gpu(type)).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
    }
  });
});

describe("a request", () => {
  test("past what Modal allows is refused", async () => {
    for (const params of [
      { timeoutMs: 24 * 3_600_000 + 1000 },
      { cpu: 65 },
      { memoryMiB: 400_000 },
      { command: ["echo", "x".repeat(2 ** 16)] },
      { outboundDomainAllowlist: ["https://example.com"] },
    ]) {
      const create = run(["true"], params);
      await expect(create, JSON.stringify(params).slice(0, 60)).rejects.toMatchObject({
        code: Status.INVALID_ARGUMENT,
      });
    }
    await expect(run(["true"], { name: "x".repeat(65) })).rejects.toThrow("Invalid Sandbox name");
    await expect(client.apps.fromName("no such")).rejects.toMatchObject({ code: Status.INVALID_ARGUMENT });
  });
});
